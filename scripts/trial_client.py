"""A client at a steady rate until a file appears: `trial_client.py HOST RATE STOP_FILE`.

It keeps its connections, and asks once more on a new one where a kept one ended, as browsers
do. Prints what it saw; any failed request makes it end with 1.
"""

import http.client
import sys
import threading
import time
from pathlib import Path

CLIENTS = 8
PATIENCE = 15.0


class Client(threading.Thread):
    def __init__(self, host: str, every: float, stop: Path) -> None:
        super().__init__()
        self.host = host
        self.every = every
        self.stop = stop
        self.done = 0
        self.slowest = 0.0
        self.failures: list[str] = []

    def run(self) -> None:
        connection = self.fresh()
        due = time.monotonic()
        while not self.stop.exists():
            time.sleep(max(0.0, due - time.monotonic()))
            due += self.every
            began = time.monotonic()
            try:
                self.ask(connection)
            except (OSError, http.client.HTTPException):
                connection = self.fresh()
                try:
                    self.ask(connection)
                except (OSError, http.client.HTTPException) as error:
                    self.failures.append(repr(error))
            self.slowest = max(self.slowest, time.monotonic() - began)

    def fresh(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", 80, timeout=PATIENCE)

    def ask(self, connection: http.client.HTTPConnection) -> None:
        connection.request("GET", "/", headers={"Host": self.host})
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            self.done += 1
        else:
            self.failures.append(f"status {answer.status}")


def main() -> None:
    host, rate, stop = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    clients = [Client(host, CLIENTS / rate, stop) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    failures = [failure for client in clients for failure in client.failures]
    done, slowest = sum(one.done for one in clients), max(one.slowest for one in clients)
    print(f"{done} requests answered, {len(failures)} failed, the slowest in {slowest:.2f} s")
    print(*sorted(set(failures)), sep="\n", end="")
    sys.exit(bool(failures))


main()
