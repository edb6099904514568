//! `modules.conf`: exactly what is loaded, so that Asterisk boots fast, stays small, and offers nothing else. Pure.

use std::fmt::Write as _;

/// What each call needs.
const CALLS: [&str; 23] = [
    "res_timing_timerfd",
    "res_rtp_asterisk",
    "res_srtp",
    "codec_alaw",
    "codec_ulaw",
    "codec_a_mu",
    "codec_g722",
    "codec_resample",
    "bridge_simple",
    "bridge_native_rtp",
    "bridge_builtin_features",
    "pbx_config",
    "func_callerid",
    "func_channel",
    "func_cut",
    "func_global",
    "func_logic",
    "func_strings",
    "app_dial",
    "app_stack",
    "app_userevent",
    "res_mutestream",
    "app_echo",
];

/// SIP: the registrar, and the objects that it reads from the files and keeps in the database.
const SIP: [&str; 25] = [
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_pjproject",
    "res_pjsip",
    "res_pjsip_acl",
    "res_pjsip_authenticator_digest",
    "res_pjsip_caller_id",
    "res_pjsip_dtmf_info",
    "res_pjsip_endpoint_identifier_anonymous",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_nat",
    "res_pjsip_path",
    "res_pjsip_pubsub",
    "res_pjsip_registrar",
    "res_pjsip_rfc3326",
    "res_pjsip_sdp_rtp",
    "res_pjsip_session",
    "res_pjsip_dialog_info_body_generator",
    "res_pjsip_exten_state",
    "res_pjsip_outbound_publish",
    "res_pjsip_mwi",
    "res_pjsip_mwi_body_generator",
    "res_pjsip_refer",
    "chan_pjsip",
];

/// What licensed features need: pools, recording, conference, voicemail, queues, barge.
const FEATURES: [&str; 18] = [
    "func_export",
    "func_groupcount",
    "func_lock",
    "func_timeout",
    "bridge_softmix",
    "bridge_holding",
    "format_wav",
    "format_pcm",
    "format_gsm",
    "codec_gsm",
    "app_read",
    "app_playback",
    "app_mixmonitor",
    "app_confbridge",
    "app_voicemail",
    "app_queue",
    "app_chanspy",
    "res_smdi",
];

/// Renders the file.
pub fn render() -> String {
    let mut out = String::from("[modules]\nautoload = no\n");
    for module in CALLS.iter().chain(&SIP).chain(&FEATURES) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "load = {module}.so");
    }
    out
}
