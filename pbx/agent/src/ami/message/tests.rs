//! Messages in pieces, hostile values, and whatever octets.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn all(parser: &mut Parser) -> Vec<Message> {
    std::iter::from_fn(|| parser.take()).collect()
}

fn read(octets: &[u8]) -> Vec<Message> {
    let mut parser = Parser::default();
    parser.push(octets);
    all(&mut parser)
}

fn event(name: &str, fields: &[(&str, &str)]) -> Message {
    Message::Event(Event { name: name.into(), fields: fields.iter().copied().collect() })
}

#[test]
fn the_greeting_is_no_part_of_the_first_message() {
    let octets = b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nActionID: 1\r\nMessage: Hello\r\n\r\n";
    let [Message::Response(response)] = &read(octets)[..] else { panic!("no response") };
    assert!(response.success);
    assert_eq!(response.fields.get("ActionID"), Some("1"));
}

#[test]
fn the_first_line_says_what_it_is() {
    let octets = b"Event: OriginateResponse\r\nResponse: Failure\r\n\r\nResponse: Error\r\nEvent: FullyBooted\r\n\r\n";
    let messages = read(octets);
    assert_eq!(messages[0], event("OriginateResponse", &[("Response", "Failure")]));
    assert!(matches!(&messages[1], Message::Response(response) if !response.success));
}

#[test]
fn of_two_lines_of_one_name_the_first_counts_and_an_empty_value_is_none() {
    let octets = b"Event: ContactStatus\r\nAOR: 101\r\nURI: sip:a: b\r\naor: 666\r\nRoundtripUsec: \r\n\r\n";
    let [Message::Event(event)] = &read(octets)[..] else { panic!("no event") };
    assert_eq!((event.get("AOR"), event.get("URI"), event.get("RoundtripUsec")), (Some("101"), Some("sip:a: b"), None));
}

#[test]
fn a_message_without_an_end_is_dropped_as_a_whole_and_the_next_one_is_read() {
    let mut parser = Parser::default();
    parser.push(b"Event: Big\r\nX: ");
    for _ in 0..MESSAGE_MAX {
        parser.push(b"0123456789");
    }
    assert!(parser.line.len() <= MESSAGE_MAX);
    // Lines beyond the bound end no message, and nothing in them begins one.
    parser.push(b"\r\nY: 1\r\nEvent: Forged\r\nZ: 2\r\n\r\nEvent: Next\r\n\r\n");
    assert_eq!(all(&mut parser), [event("Next", &[])]);
}

#[test]
fn a_value_with_a_line_end_is_refused_and_not_quoted() {
    for bad in ["a\r\nAction: Command", "a\nb", "a\rb", "a\0b"] {
        let error = Action::new("QueuePause").with("Reason", bad).encode("1").unwrap_err();
        assert_eq!(error.to_string(), "QueuePause: the value of Reason has a line end in it");
    }
    let sent = Action::new("QueuePause").with("Reason", "lunch: 1 h").encode("7").unwrap();
    assert_eq!(sent, "Action: QueuePause\r\nActionID: 7\r\nReason: lunch: 1 h\r\n\r\n");
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9-]{0,12}"
}

fn value() -> impl Strategy<Value = String> {
    any::<String>()
        .prop_map(|text| text.replace(['\r', '\n'], ""))
        .prop_filter("no first blank", |t| !t.starts_with(' '))
}

proptest! {
    #[test]
    fn a_hostile_value_is_that_value_and_nothing_else(
        messages in vec((name(), vec((name(), value()), 0..6)), 0..5),
        cuts in vec(1_usize..40, 1..20),
    ) {
        let mut wire = String::from("Asterisk Call Manager/11.0.0\r\n");
        for (name, fields) in &messages {
            let _ = write!(wire, "Event: {name}\r\n");
            for (name, value) in fields {
                let _ = write!(wire, "{name}: {value}\r\n");
            }
            wire += "\r\n";
        }
        let (mut parser, mut rest, mut cuts) = (Parser::default(), wire.as_bytes(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            parser.push(piece);
            rest = after;
        }
        let wanted: Vec<Message> =
            messages.into_iter().map(|(name, fields)| Message::Event(Event { name, fields: Fields(fields) })).collect();
        prop_assert_eq!(all(&mut parser), wanted);
    }

    #[test]
    fn whatever_octets_arrive_the_next_message_is_read(octets in vec(any::<u8>(), 0..600)) {
        let mut parser = Parser::default();
        parser.push(&octets);
        // Lines beyond the bound end no message, and nothing in them begins one.
    parser.push(b"\r\nY: 1\r\nEvent: Forged\r\nZ: 2\r\n\r\nEvent: Next\r\n\r\n");
        prop_assert_eq!(all(&mut parser).pop(), Some(event("Next", &[])));
    }

    #[test]
    fn an_action_is_one_message_whatever_its_values(value in any::<String>()) {
        if let Ok(wire) = Action::new("X").with("Y", value.clone()).encode("1") {
            prop_assert_eq!(wire.matches('\n').count(), 4);
            let line = format!("Y: {value}\r\n");
            prop_assert!(wire.contains(&line));
        }
    }
}
