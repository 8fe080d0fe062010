//! The DigitalOcean API, as much of it as remuda uses: a client and one file per resource.
