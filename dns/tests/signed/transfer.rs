//! The signed zone as it is transferred.
