#!/bin/busybox sh
# Writes the page once, then becomes the web server: PORT, K_SERVICE and
# K_REVISION come from the platform, GREETING from `paas deploy --env`.
set -eu

service=${K_SERVICE:-hello}
revision=${K_REVISION:-no-version}
host=$(/bin/busybox hostname)
greeting=$(printf '%s' "${GREETING:-Hello}" | /bin/busybox tr -cd "A-Za-z0-9 .,!?'-")

/bin/busybox mkdir -p /app/www
/bin/busybox sed \
    -e "s/@GREETING@/$greeting/g" \
    -e "s/@SERVICE@/$service/g" \
    -e "s/@REVISION@/$revision/g" \
    -e "s/@HOST@/$host/g" \
    /app/page.html >/app/www/index.html
printf '%s\n' "$revision" >/app/www/version

echo "$service: $revision on $host listens on port ${PORT:-8080}"
exec /bin/busybox httpd -f -p "0.0.0.0:${PORT:-8080}" -h /app/www
