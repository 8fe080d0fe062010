//! Events become terminal, plain lines or JSON; errors with hints; tables. The only code that writes to the terminal.
