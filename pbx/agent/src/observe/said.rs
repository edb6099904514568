//! What a line of Asterisk's log means, where its manager interface says nothing. Pure.

use pbx_contract::event::SystemEvent;

use crate::render::pjsip::STRANGER;

/// Functions whose errors are everyday life: a call to an extension without a phone, and names that Asterisk looks up at each call for
/// an address that it does not need.
const EVERYDAY: [&str; 3] =
    [" ast_sockaddr_resolve: ", " ast_sip_create_dialog_uac: ", " request: Failed to create outgoing session"];

/// What follows from a line; most say nothing of use.
pub fn of(line: &str) -> Option<SystemEvent> {
    if let Some(rest) = after(line, "WARNING", " registrar_on_rx_request: AOR '") {
        let (extension, rest) = rest.split_once("' has no configured max_contacts. Endpoint '")?;
        let (address, _) = rest.split_once('(')?.1.split_once(')')?;
        let source = address.rsplit_once(':')?.0.trim_matches(['[', ']']).parse().ok()?;
        return Some(SystemEvent::RegistrationRefusedDisabled { extension: extension.into(), source });
    }
    if let Some(rest) = after(line, "WARNING", ": Subscriptions not permitted for endpoint ") {
        let extension = rest.trim_end_matches('.');
        // Whoever is none of the phones is no news.
        return (extension != STRANGER).then(|| SystemEvent::SubscriptionRefused { extension: extension.into() });
    }
    let message = after(line, "ERROR", ": ")?.trim_end_matches('.');
    if EVERYDAY.iter().any(|everyday| message.contains(everyday)) {
        return None;
    }
    Some(SystemEvent::AsteriskComplained { message: message.into() })
}

/// What follows a phrase in a line of that level: `[TIME] LEVEL[THREAD][CALL]: FILE:LINE FUNCTION: MESSAGE`.
fn after<'a>(line: &'a str, level: &str, phrase: &str) -> Option<&'a str> {
    let (_, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let rest = rest.strip_prefix(level)?;
    rest.starts_with('[').then(|| rest.split_once(phrase)).flatten().map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disabled_extensions_registration_is_known_by_its_line() {
        let line = "[Nov 27 20:53:29] WARNING[83]: res_pjsip_registrar.c:1287 registrar_on_rx_request: AOR '106' has no \
                    configured max_contacts. Endpoint '106' (127.0.0.1:21200) unable to register";
        let source = "127.0.0.1".parse().unwrap();
        assert_eq!(of(line), Some(SystemEvent::RegistrationRefusedDisabled { extension: "106".into(), source }));
        let line = line.replace("127.0.0.1:", "[2001:db8::7]:");
        let source = "2001:db8::7".parse().unwrap();
        assert_eq!(of(&line), Some(SystemEvent::RegistrationRefusedDisabled { extension: "106".into(), source }));
    }

    #[test]
    fn a_refused_subscription_and_an_error_are_told() {
        let line =
            "[Nov 27 21:47:54] WARNING[33]: res_pjsip_pubsub.c:3268 f: Subscriptions not permitted for endpoint 102.";
        assert_eq!(of(line), Some(SystemEvent::SubscriptionRefused { extension: "102".into() }));
        assert_eq!(of(&line.replace("102", "anonymous")), None, "a stranger has no extension");
        let line = "[Nov 27 20:40:51] ERROR[17][C-00000001]: app.c:4660 f: It does not work.";
        assert_eq!(
            of(line),
            Some(SystemEvent::AsteriskComplained { message: "app.c:4660 f: It does not work".into() })
        );
    }

    #[test]
    fn an_extension_without_a_phone_is_no_fault() {
        let line =
            "[Nov 27 21:47:58] ERROR[33]: res_pjsip.c:987 ast_sip_create_dialog_uac: Endpoint '104': Could not create";
        assert_eq!(of(line), None);
        assert_eq!(
            of("[t] ERROR[33]: netsock2.c:303 ast_sockaddr_resolve: getaddrinfo(\"vm\", ...): Temporary failure"),
            None
        );
    }

    #[test]
    fn words_of_somebody_else_are_not_taken_for_asterisks() {
        for line in ["x] ERROR[1]: a: b", "[t] NOTICE[1]: f: said [t] ERROR[2]: x: y", "Asterisk Ready.", ""] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
