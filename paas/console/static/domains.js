// Custom domains: add and remove, and certificates of one's own for them.
import { Problem, act, call, notice, showWrong } from "./console.js";

const place = document.getElementById("domains");
const base = `/v1/services/${place.dataset.service}/domains`;
const certificate = (domain) => `${base}/${encodeURIComponent(domain)}/certificate`;

document.getElementById("add-domain")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  await act(event.submitter, async () => {
    await call("POST", base, { domain: form.elements.domain.value });
    form.reset();
  });
});

/** Both files are read here and sent as the texts that they are. */
document.getElementById("own-certificate")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const { domain, certificate: chain, key } = form.elements;
  act(event.submitter, async () => {
    const body = { certificate: await chain.files[0].text(), key: await key.files[0].text() };
    try {
      await call("PUT", certificate(domain.value.trim()), body);
    } catch (problem) {
      if (problem instanceof Problem) showWrong(form, problem);
      throw problem;
    }
    showWrong(form, { errors: [] });
    form.reset();
    notice(place.dataset.saved);
  });
});

place.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const { remove, back } = button?.dataset ?? {};
  const sure = (ask, domain) => confirm(ask.replace("{domain}", domain));
  if (remove && sure(place.dataset.ask, remove)) act(button, () => call("DELETE", `${base}/${remove}`));
  else if (back && sure(place.dataset.askBack, back)) act(button, () => call("DELETE", certificate(back)));
});
