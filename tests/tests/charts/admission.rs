//! Who may write what, as the chart has it, by a real API server: each rule accepted once and refused once, with the message.

mod duties;
mod rules;
mod stage;
