package cases;

/** Where the server under test listens. */
record Place(String namesrv, String broker, String brokerName) {
}
