package hello;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** A small web program: it greets on / and tells that it is well on /healthz. */
public final class Main {

    private static final String PAGE = """
            <!doctype html>
            <html lang="en"><meta charset="utf-8"><title>Hello</title>
            <h1>Hello from Java</h1>
            <p>Version <b>%s</b>, host <b>%s</b>.</p>
            </html>
            """;

    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(variable("PORT", "8080"));
        var server = HttpServer.create(new InetSocketAddress(port), 128);
        var workers = Executors.newFixedThreadPool(16);
        server.setExecutor(workers);
        server.createContext("/", Main::hello);
        server.createContext("/healthz", exchange -> answer(exchange, 200, "text/plain", "ok\n"));
        server.start();
        System.out.println("listening on " + port);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            server.stop(1); // seconds for requests that are being answered
            workers.shutdown();
        }));
    }

    private static void hello(HttpExchange exchange) throws IOException {
        if (!exchange.getRequestURI().getPath().equals("/")) {
            answer(exchange, 404, "text/plain", "not found\n");
            return;
        }
        String host = InetAddress.getLocalHost().getHostName();
        answer(exchange, 200, "text/html", PAGE.formatted(
                escape(variable("K_REVISION", "local")), escape(host)));
    }

    private static void answer(HttpExchange exchange, int status, String kind, String text)
            throws IOException {
        try (exchange) {
            byte[] body = text.getBytes(StandardCharsets.UTF_8);
            boolean head = exchange.getRequestMethod().equals("HEAD");
            exchange.getResponseHeaders().set("Content-Type", kind + "; charset=utf-8");
            exchange.sendResponseHeaders(status, head ? -1 : body.length);
            if (!head) {
                exchange.getResponseBody().write(body);
            }
        }
    }

    private static String variable(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    private Main() {
    }
}
