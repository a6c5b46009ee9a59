-- What came over the services' webhooks: bounded, the newest are kept. `delivery` and
-- `fingerprint` find the same one sent again.

CREATE TABLE deliveries (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    service_id TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    outcome TEXT NOT NULL,
    delivery TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    document TEXT NOT NULL
);

CREATE INDEX deliveries_of_service ON deliveries (service_id, outcome, place);
