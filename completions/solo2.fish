# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_solo2_global_optspecs
    string join \n p/profile= home= config= json plain q/quiet v/verbose color= no-input y/yes timeout= agent= lock-timeout= route= require-route= transport= offline password-file= password-fd= h/help V/version
end

function __fish_solo2_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_solo2_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_solo2_using_subcommand
    set -l cmd (__fish_solo2_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c solo2 -n "__fish_solo2_needs_command" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_needs_command" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_needs_command" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_needs_command" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_needs_command" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_needs_command" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_needs_command" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_needs_command" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_needs_command" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_needs_command" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_needs_command" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_needs_command" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_needs_command" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_needs_command" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_needs_command" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_needs_command" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_needs_command" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_needs_command" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_needs_command" -s V -l version -d 'Print version'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "init" -d 'Make an identity and its vault'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "identity" -d 'Show who you are, and keep your 24 words'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "vault" -d 'Unlock, lock and check the vault'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "pair" -d 'Pair with somebody'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "contact" -d 'See, name, verify and block your contacts'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "send" -d 'Send a text or files'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "recv" -d 'Print what has arrived'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "pipe" -d 'Send stdin to somebody\'s stdout'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "file" -d 'Take, refuse and follow files'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "export" -d 'Write your history to one file: an encrypted archive, or a readable ZIP'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "import" -d 'Take an archive into your vault: history, contacts and files that are not there yet'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "edit" -d 'Give a message of yours another text'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "delete" -d 'Delete a message here, or on both sides, or a whole conversation here'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "react" -d 'React to a message'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "read" -d 'Mark messages as read'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "chat" -d 'Talk with one contact, line by line'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "history" -d 'Print stored messages, the oldest first'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "search" -d 'Find messages by their words, the oldest first'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "queue" -d 'See and push what is on its way'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "route" -d 'See how your peers are reached'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "relay" -d 'Keep and test the relays that links may go through'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "doctor" -d 'Look for what is wrong'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "sync" -d 'Send what is queued and fetch what waits, then end'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "agent" -d 'Run, start and stop the agent that keeps you reachable'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "config" -d 'Read and edit the settings'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "wipe" -d 'Destroy a profile, or everything, on this machine'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "schema" -d 'Print the JSON Schema of the events, of one type or of all'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "demo" -d 'Watch two throw-away profiles meet, talk and exchange files on this machine'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "completion" -d 'Print the completion script for a shell'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "man" -d 'Print a man page: solo2 man | man -l -'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "version" -d 'Print the version'
complete -c solo2 -n "__fish_solo2_needs_command" -f -a "generate" -d 'Write man pages and completions into DIR/man and DIR/completions'
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l name -d 'Name that paired peers are shown' -r
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l words-out -d 'Write the 24 words to this new file, readable by you alone' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l signal -d 'Signal server that introduces you to your peers' -r
complete -c solo2 -n "__fish_solo2_using_subcommand init" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l no-account -d 'Keep no account at any server: the default, and the only way so far'
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l max-security -d 'Keep nothing that opens the vault: vault.max_security in the configuration'
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand init" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand init" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand init" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand init" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -f -a "show" -d 'Show name, id and fingerprint'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -f -a "fingerprint" -d 'Print the fingerprint, 64 hexadecimal digits'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -f -a "qr" -d 'Draw the fingerprint as a QR code'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -f -a "age-key" -d 'Print the age key of your archives, on the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and not __fish_seen_subcommand_from show fingerprint qr age-key words" -f -a "words" -d 'The 24 words that open your vault'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from fingerprint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from qr" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l words-file -d 'Read the words from this file, or - for stdin, instead of asking for the password' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from age-key" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -f -a "show" -d 'Show the words again: asks for the password, on a terminal or into a new file'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -f -a "confirm" -d 'Check that you wrote the words down right'
complete -c solo2 -n "__fish_solo2_using_subcommand identity; and __fish_seen_subcommand_from words" -f -a "restore" -d 'Make a vault again from its words, with a new identity'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -f -a "unlock" -d 'Let the running agent open the vault'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -f -a "lock" -d 'Let the running agent wipe its keys; it keeps running'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -f -a "status" -d 'Tell whether there is a vault and whether it is open'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -f -a "passwd" -d 'Change the password'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -f -a "device-secret" -d 'Let this machine open the vault without a password'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -f -a "check" -d 'Look at every record of the vault'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -f -a "reindex" -d 'Make the search index anew'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -f -a "repair" -d 'Mend a damaged vault, as far as that goes, while no agent runs'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and not __fish_seen_subcommand_from unlock lock status passwd device-secret check reindex repair compact" -f -a "compact" -d 'Destroy what was deleted down to the last word, and give room back'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l words-file -d 'Use the 24 words in this file instead of the password, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l accept-rollback -d 'Accept a vault that is an older copy, while no agent runs'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from unlock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from lock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l new-password-file -d 'Read the new password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l words-file -d 'Use the 24 words in this file instead of the old password, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from passwd" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -f -a "on" -d 'Make a new one; takes the password or the words'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -f -a "off" -d 'Destroy it: the vault opens by password and words alone'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from device-secret" -f -a "status" -d 'Tell whether there is one, and where'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from reindex" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l words-file -d 'Use the 24 words in this file instead of the password, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from repair" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand vault; and __fish_seen_subcommand_from compact" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -f -a "invite" -d 'Make an invite, show its code, wait for the other side'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -f -a "join" -d 'Join with the code that somebody told you'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and not __fish_seen_subcommand_from invite join list" -f -a "list" -d 'List the invites that are open'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l as -d 'Name to give to whoever joins' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l ttl -d 'How long the invite is open' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l qr -d 'Draw the code as a QR code too'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l onion -d 'Pair through Tor, without any server; the code is twelve words'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l no-wait -d 'Leave the waiting to the agent'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from invite" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l as -d 'Name to give to the other side' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from join" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand pair; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -f -a "list" -d 'List everybody'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -f -a "show" -d 'Show one contact with its safety number'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -f -a "rename" -d 'Give a contact another name'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -f -a "remove" -d 'Remove a contact, its session and its history'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -f -a "block" -d 'Take nothing from a contact any more'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -f -a "unblock" -d 'Undo a block'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -f -a "verify" -d 'Compare safety numbers and mark a contact as verified'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -f -a "trust" -d 'Accept a contact\'s changed identity'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and not __fish_seen_subcommand_from list show rename remove block unblock verify trust set" -f -a "set" -d 'Set how one contact is treated'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from block" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from unblock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l number -d 'The safety number that your contact reads to you' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l fingerprint -d 'The new fingerprint, as your contact tells it' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from trust" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand contact; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand send" -s m -l message -d 'The text; - reads it from stdin' -r
complete -c solo2 -n "__fish_solo2_using_subcommand send" -s f -l file -d 'Send this file or directory; may be given several times, and with -m; - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l name -d 'What stdin is called at the other side, with -f -' -r
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l wait -d 'Wait for this state [default: queued with an agent, which goes on delivering; without, sent, and delivered for files]' -r -f -a "none\t'Do not wait at all'
queued\t'Stored in the vault'
sent\t'On its way to the peer'
delivered\t'In the peer\'s vault'
read\t'Read by the peer'"
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l expire -d 'Let the message disappear on both sides after this time' -r
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l reply-to -d 'Answer this message' -r
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l geo -d 'Send a place instead of a text' -r
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l id -d 'Your own id for this message: sending it again does nothing' -r
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l ttl -d 'Give up on delivering after this time' -r
complete -c solo2 -n "__fish_solo2_using_subcommand send" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l lines -d 'Send each line of stdin as a message of its own, as it arrives'
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l any -d 'Succeed when one of several peers is reached'
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand send" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand send" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand send" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand send" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand send" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l from -d 'Only from this contact; may be given several times' -r
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l type -d 'Only events of these types, such as message,receipt' -r
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l max -d 'End after this many events' -r
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l since -d 'Start after this cursor; with --ack manual it acknowledges up to there' -r
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l ack -d 'Whether printing an event acknowledges it' -r -f -a "auto\t'Yes'
manual\t'No; --since of a later run does'"
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l exec -d 'Run this shell command for each event, with the event as JSON on its stdin' -r
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l files-to -d 'Put received files into this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l expect -d 'Wait until this many messages came, at most --timeout; exit 7 if they did not' -r
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -s f -l follow -d 'Go on, and print what arrives from now on too'
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l overwrite -d 'Replace a file that has the same name'
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l rename -d 'Put the file beside one that has the same name, such as "a (2).txt"'
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l foreground -d 'Allow --follow without an agent: this process stays online itself'
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand recv" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -s l -l listen -d 'Receive: somebody\'s pipe of that label to stdout'
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand pipe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -f -a "list" -d 'List files that are offered, under way, done or failed'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -f -a "accept" -d 'Take an offered file, and wait until it is here'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -f -a "reject" -d 'Refuse an offered file; the other side is told'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -f -a "cancel" -d 'Stop a file, sent or received; what of it is here goes away'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and not __fish_seen_subcommand_from list accept reject cancel resume" -f -a "resume" -d 'Go on with a file that broke off, or with all of them'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -s o -l output -d 'Put it there: a directory, or a new name in one; - for stdout' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l overwrite -d 'Replace a file that has the same name'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l rename -d 'Put the file beside one that has the same name, such as "a (2).txt"'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from accept" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from reject" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand file; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l format -d 'What to write' -r -f -a "archive\t'One age file to your 24 words, with everything in it'
zip\t'An unencrypted ZIP of JSON Lines, Markdown, HTML and files'"
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -s o -l output -d 'Write it to this new file, or - for stdout' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l chat -d 'Only the conversation with this contact' -r
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l since -d 'From this moment on: a date, RFC 3339, or a time ago such as 30d' -r
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l until -d 'Up to this moment' -r
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l passphrase-file -d 'Encrypt the archive with the passphrase in this file' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l incremental -d 'Only what is new or changed since this archive or ZIP' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l words-file -d 'Open BASE with the words in this file, or - for stdin, instead of the password' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l base-passphrase-file -d 'Open BASE with the passphrase in this file' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l no-files -d 'Leave out the files that lie in the vault'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l passphrase -d 'Encrypt the archive with a passphrase, asked for twice, instead of to your words'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l force -d 'Replace the file if it is there'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l i-understand-plaintext -d 'Do not ask whether a copy that everybody can read is wanted'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and not __fish_seen_subcommand_from verify" -f -a "verify" -d 'Check that an archive or a ZIP is whole'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l words-file -d 'Open the archive with the words in this file, or - for stdin, instead of the password' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l passphrase-file -d 'Open the archive with the passphrase in this file' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand export; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l words-file -d 'Open the archive with the words in this file, or - for stdin, instead of the password' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l passphrase-file -d 'Open the archive with the passphrase in this file' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand import" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l dry-run -d 'Say what would be taken in, and change nothing'
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand import" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand import" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand import" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand import" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -s m -l message -d 'The new text; without it, or as -, stdin is read' -r
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l wait -d 'Wait for this state [default: queued with an agent, which goes on delivering; without, sent, and delivered for files]' -r -f -a "none\t'Do not wait at all'
queued\t'Stored in the vault'
sent\t'On its way to the peer'
delivered\t'In the peer\'s vault'
read\t'Read by the peer'"
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand edit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l all-of -d 'Delete all messages and files with this contact, here alone; asks' -r
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l wait -d 'Wait for this state [default: queued with an agent, which goes on delivering; without, sent, and delivered for files]' -r -f -a "none\t'Do not wait at all'
queued\t'Stored in the vault'
sent\t'On its way to the peer'
delivered\t'In the peer\'s vault'
read\t'Read by the peer'"
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l for-everyone -d 'Ask the other side to delete it too; only for messages of yours'
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l wait -d 'Wait for this state [default: queued with an agent, which goes on delivering; without, sent, and delivered for files]' -r -f -a "none\t'Do not wait at all'
queued\t'Stored in the vault'
sent\t'On its way to the peer'
delivered\t'In the peer\'s vault'
read\t'Read by the peer'"
complete -c solo2 -n "__fish_solo2_using_subcommand react" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand react" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand react" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand react" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand react" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand react" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l wait -d 'Wait for this state [default: queued with an agent, which goes on delivering; without, sent, and delivered for files]' -r -f -a "none\t'Do not wait at all'
queued\t'Stored in the vault'
sent\t'On its way to the peer'
delivered\t'In the peer\'s vault'
read\t'Read by the peer'"
complete -c solo2 -n "__fish_solo2_using_subcommand read" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand read" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand read" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand read" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand read" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand read" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand chat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand history" -s n -l limit -d 'At most this many, the newest' -r
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l since -d 'From this moment on: a date, RFC 3339, or a time ago such as 2h' -r
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l until -d 'Up to this moment' -r
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l grep -d 'Only messages that hold this text, in any case' -r
complete -c solo2 -n "__fish_solo2_using_subcommand history" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand history" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand history" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand history" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand history" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l from -d 'Only what this contact sent' -r
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l in -l peer -d 'Only in the conversation with this contact' -r
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l since -d 'From this moment on: a date, RFC 3339, or a time ago such as 2h' -r
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l until -d 'Up to this moment' -r
complete -c solo2 -n "__fish_solo2_using_subcommand search" -s n -l limit -d 'At most this many, the newest' -r
complete -c solo2 -n "__fish_solo2_using_subcommand search" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l has-file -d 'Only files, by their names'
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand search" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand search" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand search" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand search" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand search" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -f -a "list" -d 'List what is queued'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -f -a "show" -d 'Show one queued message'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -f -a "flush" -d 'Try to deliver everything now, at most --timeout; exit 7 if something is left'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and not __fish_seen_subcommand_from list show flush cancel" -f -a "cancel" -d 'Take a message back that has not left'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from flush" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand queue; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -f -a "status" -d 'Show route, transport and keys\' age per peer'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -f -a "policy" -d 'Show which route each contact is to be reached by'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and not __fish_seen_subcommand_from status policy test" -f -a "test" -d 'Reach a contact now, at most --timeout, and show how'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from policy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand route; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -f -a "add" -d 'Use a relay, by the invite of whoever runs it'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -f -a "list" -d 'List the relays, without their keys'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -f -a "remove" -d 'Use a relay no more'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and not __fish_seen_subcommand_from add list remove test" -f -a "test" -d 'Borrow an address from each relay, or from one, and give it back'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand relay; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -f -a "tor" -d 'Check Tor: its settings, the network, a service of our own, and a call to it'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and not __fish_seen_subcommand_from tor traffic" -f -a "traffic" -d 'Count datagrams by size, as somebody on the wire could: a text must look like a heartbeat'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from tor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l for -d 'Count for so long, such as 30s; else all since the start' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand doctor; and __fish_seen_subcommand_from traffic" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l for -d 'Stay online for this long' -r
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l once -d 'End as soon as everything queued has left'
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand sync" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -f -a "run" -d 'Run the agent in the foreground, for systemd, containers and tmux'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -f -a "start" -d 'Start the agent in the background; returns when it answers'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -f -a "stop" -d 'Stop the agent; returns when it is gone'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -f -a "status" -d 'Tell whether the agent runs, and its pid; exit 4 when it does not'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -f -a "lock" -d 'Wipe the agent\'s keys; it keeps running'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -f -a "unlock" -d 'Let the agent open the vault again'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -f -a "reload" -d 'Let the agent read the configuration again'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and not __fish_seen_subcommand_from run start stop status lock unlock reload install" -f -a "install" -d 'Print a service file for this machine'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l locked -d 'Start with the vault locked'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l detached -d 'Started by `agent start`: password on stdin, readiness on stdout'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l device-secret -d 'Started by `agent start`: the device secret instead of a password'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l locked -d 'Start with the vault locked'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from lock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l words-file -d 'Use the 24 words in this file instead of the password, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l accept-rollback -d 'Accept a vault that is an older copy, while no agent runs'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from unlock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from reload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l systemd -d 'A unit for systemd\'s user manager: the default'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l launchd -d 'A property list for launchd'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l write -d 'Write it where it belongs instead of printing it'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand agent; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -f -a "get" -d 'Print the value in force'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -f -a "set" -d 'Write a value to your configuration file'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -f -a "list" -d 'Print every key and its value in force'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -f -a "path" -d 'Print where your configuration file is'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and not __fish_seen_subcommand_from get set list path edit" -f -a "edit" -d 'Open your configuration file in $EDITOR'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand config; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -f -a "profile" -d 'Destroy one profile: identity, vault, everything; the others stay'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and not __fish_seen_subcommand_from profile all" -f -a "all" -d 'Destroy every profile, and the configuration'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l confirm -d 'The same name again, for a script; on a terminal you are asked' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from profile" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l confirm -d 'The word ERASE, for a script; on a terminal you are asked' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l confirm-host -d 'The name of this machine, so that a script ends on the right one' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand wipe; and __fish_seen_subcommand_from all" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand man" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand man" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand man" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand man" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand man" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand version" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand version" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand version" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand version" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand version" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -s p -l profile -d 'Profile to use' -r
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l home -d 'Keep vault, state, socket and config under this directory' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l config -d 'Configuration file to use instead of the usual one' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
never\t'Never'
always\t'Always'"
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l timeout -d 'Give up waiting after this time, such as 30s or 2m' -r
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l agent -d 'Whether to use a running agent' -r -f -a "auto\t'Use the agent, or do the work in this process if none runs'
require\t'Fail when no agent runs'
never\t'Always do the work in this process'"
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l lock-timeout -d 'How long to wait for another process to let the profile go' -r
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l route -d 'Route policy for this command' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l require-route -d 'Send over one of these routes or not at all' -r -f -a "auto\t'The best there is'
direct\t'Peer to peer'
relay\t'Through a relay, which hides your address from the peer'
onion\t'Through Tor, which hides your address from everybody'"
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l transport -d 'What may carry links, unless a running agent holds the profile' -r -f -a "auto\t'QUIC, and WebRTC where QUIC does not pass'
quic\t'QUIC alone, masked to look like noise'
webrtc\t'WebRTC data channels alone, for networks that let nothing else pass'"
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l password-file -d 'Read the password from this file, or - for stdin' -r -F
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l password-fd -d 'Read the password from this file descriptor' -r
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l json -d 'Print JSON Lines; errors too, as the last line'
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l plain -d 'Print words instead of glyphs, and no colour'
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -s q -l quiet -d 'Print nothing but what was asked for'
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -s v -l verbose -d 'Log to stderr; twice for more'
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l no-input -d 'Never ask; fail instead'
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -s y -l yes -d 'Answer yes to every question'
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -l offline -d 'Touch no network'
complete -c solo2 -n "__fish_solo2_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
