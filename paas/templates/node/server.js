// A small web program: it greets on / and tells that it is well on /healthz.

import { createServer } from "node:http";
import { hostname } from "node:os";

const port = Number(process.env.PORT ?? 8080);
const version = process.env.K_REVISION ?? "local";

const escape = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Hello</title>
<h1>Hello from Node.js</h1>
<p>Version <b>${escape(version)}</b>, host <b>${escape(hostname())}</b>.</p>
</html>
`;

const server = createServer((request, response) => {
  const path = request.url.split("?")[0];
  if (path === "/") {
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(page);
  } else if (path === "/healthz") {
    response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" }).end("ok\n");
  } else {
    response.writeHead(404, { "Content-Type": "text/plain; charset=utf-8" }).end("not found\n");
  }
});

// the proxy keeps connections open: they must live longer here than there
server.keepAliveTimeout = 65_000;
server.listen(port, () => console.log(`listening on ${port}`));

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    server.close();
    server.closeIdleConnections();
  });
}
