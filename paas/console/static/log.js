// Shows a log as it grows: history and live lines come in one event stream, which the
// browser resumes by itself after a break.

const MOST_LINES = 5000;

/** Follow the stream that the element's data-source names; returns a function that ends it. */
export function follow(element, { line = (data) => data.text, drawn = () => {}, following = () => true } = {}) {
  const stream = new EventSource(element.dataset.source);
  let waiting = [];
  let drawing = false;
  const draw = () => {
    drawing = false;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    const rows = waiting.map((data) => {
      const row = document.createElement("div");
      row.textContent = line(data);
      if (data.stream === "stderr") row.className = "stderr";
      return row;
    });
    waiting = [];
    element.append(...rows.slice(-MOST_LINES));
    while (element.childElementCount > MOST_LINES) element.firstElementChild.remove();
    drawn();
    if (atEnd && following()) element.scrollTop = element.scrollHeight;
  };
  stream.onmessage = (event) => {
    waiting.push(JSON.parse(event.data));
    if (!drawing) {
      drawing = true;
      requestAnimationFrame(draw);
    }
  };
  stream.addEventListener("end", () => stream.close());
  return () => stream.close();
}
