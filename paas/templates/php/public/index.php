<?php

// A small web program: it greets on / and tells that it is well on /healthz.

declare(strict_types=1);

$path = parse_url($_SERVER['REQUEST_URI'] ?? '/', PHP_URL_PATH);

if ($path === '/healthz') {
    header('Content-Type: text/plain; charset=utf-8');
    echo "ok\n";
    return;
}
if ($path !== '/') {
    http_response_code(404);
    header('Content-Type: text/plain; charset=utf-8');
    echo "not found\n";
    return;
}

$version = htmlspecialchars(getenv('K_REVISION') ?: 'local');
$host = htmlspecialchars((string) gethostname());
?>
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Hello</title>
<h1>Hello from PHP</h1>
<p>Version <b><?= $version ?></b>, host <b><?= $host ?></b>.</p>
</html>
