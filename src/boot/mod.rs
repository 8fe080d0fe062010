//! cloud-init: templates → user-data, host keys known before first contact.
