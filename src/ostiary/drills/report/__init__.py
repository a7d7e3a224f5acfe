"""The report of drills: one HTML page that needs nothing else, charts drawn on the server."""
