# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_solo2_relay_global_optspecs
    string join \n h/help V/version
end

function __fish_solo2_relay_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_solo2_relay_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_solo2_relay_using_subcommand
    set -l cmd (__fish_solo2_relay_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c solo2-relay -n "__fish_solo2_relay_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2-relay -n "__fish_solo2_relay_needs_command" -s V -l version -d 'Print version'
complete -c solo2-relay -n "__fish_solo2_relay_needs_command" -f -a "init" -d 'Make the secret of a new relay'
complete -c solo2-relay -n "__fish_solo2_relay_needs_command" -f -a "serve" -d 'Run the server'
complete -c solo2-relay -n "__fish_solo2_relay_needs_command" -f -a "invite" -d 'Make an invite: one line that a client needs to use this relay'
complete -c solo2-relay -n "__fish_solo2_relay_needs_command" -f -a "health" -d 'Ask a running relay whether it is well'
complete -c solo2-relay -n "__fish_solo2_relay_needs_command" -f -a "stats" -d 'Say what a running relay did so far, in sums over everybody'
complete -c solo2-relay -n "__fish_solo2_relay_needs_command" -f -a "limits" -d 'Show or change what a running relay allows'
complete -c solo2-relay -n "__fish_solo2_relay_needs_command" -f -a "check-config" -d 'Check the configuration and say what holds'
complete -c solo2-relay -n "__fish_solo2_relay_needs_command" -f -a "version" -d 'Print the version'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand init" -l secret-file -d 'Where to put it; nobody else may read it' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand init" -l json -d 'Answer in JSON'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand init" -s h -l help -d 'Print help'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l config -d 'Configuration file, TOML; its keys are the flags below' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l listen-udp -d 'Address and port to serve on; may be given several times' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l listen-tcp -d 'Address and port to serve over TCP, for networks that let no UDP through' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l listen-tls -d 'Address and port to serve over TLS, for networks that let nothing else through' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l onion -d 'Listen over TCP here, too, for a Tor daemon on this machine that keeps an onion service' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l threads -d 'Threads that serve UDP; one for each core unless given, but no more than 8' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l tls-cert -d 'Certificate chain for TLS, PEM' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l tls-key -d 'Private key for TLS, PEM' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l max-connections -d 'Connections over TCP and TLS altogether' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l max-connections-per-address -d 'Connections from one network: an IPv4 address, or an IPv6 /56' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l role -d 'What is served: turn, stun, or both' -r -f -a "turn\t'Relays datagrams for those with a credential'
stun\t'Tells anybody their address'"
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l secret-file -d 'The secret that invites are made from; made if it is not there' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l revoked-file -d 'Invites that are good no longer, one id a line; read again upon SIGHUP' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l public-ip -d 'Address that clients know this relay by, if it is not the one it listens on' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l realm -d 'What the relay calls itself in its challenges, like relay.example' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l peers -d 'With whom clients may talk' -r -f -a "own-relays\t'Relayed addresses of this relay, handed over inside the process'
public\t'These, and every global unicast address that is not this machine\'s'"
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l relay-ports -d 'Ports of relayed addresses' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l max-allocs -d 'Allocations altogether' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l max-allocs-per-cred -d 'Allocations of one invite' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l max-bps-per-cred -d 'Bits per second that one invite may send; unlimited unless given' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l cred-ttl -d 'How far ahead a credential may expire, 24 h at most' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l log -d 'What is said while serving: nothing, or sums of everybody once a minute' -r -f -a "none\t'Nothing'
aggregate\t'Sums of everybody, once a minute'"
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l control -d 'Unix socket for the commands stats and limits; only its owner opens it' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l user -d 'Become this user once the sockets are bound; root only' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l json -d 'Answer in JSON'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -l selftest-sandbox -d 'Give up all that serving does not need, try to get it back, say what worked, and end'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand invite" -l secret-file -d 'The secret of the relay; made if it is not there' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand invite" -l public -d 'Where clients reach the relay, once for each transport: turn:HOST:PORT, turn:HOST:PORT?transport=tcp, turns:HOST:PORT; through Tor over TCP alone: turn:NAME.onion:PORT?transport=tcp' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand invite" -l tls-cert -d 'The certificate that clients shall insist on, PEM: for one that nobody vouches for' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand invite" -l ttl -d 'How long the invite is good; for ever unless given' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand invite" -l qr -d 'Show it as a QR code, too'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand invite" -l turn-credential -d 'Print a credential for any TURN client instead, good for 24 h'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand invite" -l json -d 'Answer in JSON'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand invite" -s h -l help -d 'Print help'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand health" -l url -d 'The relay, by UDP, or with ?transport=tcp by TCP' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand health" -l json -d 'Answer in JSON'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand health" -s h -l help -d 'Print help'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand stats" -l control -d 'The socket that the relay was given as --control' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand stats" -l json -d 'Answer in JSON'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand stats" -s h -l help -d 'Print help'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and not __fish_seen_subcommand_from show set" -s h -l help -d 'Print help'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and not __fish_seen_subcommand_from show set" -f -a "show" -d 'Show them'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and not __fish_seen_subcommand_from show set" -f -a "set" -d 'Change them until the relay ends; what is there already stays'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and __fish_seen_subcommand_from show" -l control -d 'The socket that the relay was given as --control' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and __fish_seen_subcommand_from show" -l json -d 'Answer in JSON'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and __fish_seen_subcommand_from set" -l control -d 'The socket that the relay was given as --control' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and __fish_seen_subcommand_from set" -l max-allocs -d 'Allocations altogether' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and __fish_seen_subcommand_from set" -l max-allocs-per-cred -d 'Allocations of one invite' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and __fish_seen_subcommand_from set" -l max-bps-per-cred -d 'Bits per second that one invite may send; 0 for no limit' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and __fish_seen_subcommand_from set" -l max-connections -d 'Connections over TCP and TLS altogether' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and __fish_seen_subcommand_from set" -l max-connections-per-address -d 'Connections from one network' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and __fish_seen_subcommand_from set" -l json -d 'Answer in JSON'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand limits; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l config -d 'Configuration file, TOML; its keys are the flags below' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l listen-udp -d 'Address and port to serve on; may be given several times' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l listen-tcp -d 'Address and port to serve over TCP, for networks that let no UDP through' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l listen-tls -d 'Address and port to serve over TLS, for networks that let nothing else through' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l onion -d 'Listen over TCP here, too, for a Tor daemon on this machine that keeps an onion service' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l threads -d 'Threads that serve UDP; one for each core unless given, but no more than 8' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l tls-cert -d 'Certificate chain for TLS, PEM' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l tls-key -d 'Private key for TLS, PEM' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l max-connections -d 'Connections over TCP and TLS altogether' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l max-connections-per-address -d 'Connections from one network: an IPv4 address, or an IPv6 /56' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l role -d 'What is served: turn, stun, or both' -r -f -a "turn\t'Relays datagrams for those with a credential'
stun\t'Tells anybody their address'"
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l secret-file -d 'The secret that invites are made from; made if it is not there' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l revoked-file -d 'Invites that are good no longer, one id a line; read again upon SIGHUP' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l public-ip -d 'Address that clients know this relay by, if it is not the one it listens on' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l realm -d 'What the relay calls itself in its challenges, like relay.example' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l peers -d 'With whom clients may talk' -r -f -a "own-relays\t'Relayed addresses of this relay, handed over inside the process'
public\t'These, and every global unicast address that is not this machine\'s'"
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l relay-ports -d 'Ports of relayed addresses' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l max-allocs -d 'Allocations altogether' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l max-allocs-per-cred -d 'Allocations of one invite' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l max-bps-per-cred -d 'Bits per second that one invite may send; unlimited unless given' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l cred-ttl -d 'How far ahead a credential may expire, 24 h at most' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l log -d 'What is said while serving: nothing, or sums of everybody once a minute' -r -f -a "none\t'Nothing'
aggregate\t'Sums of everybody, once a minute'"
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l control -d 'Unix socket for the commands stats and limits; only its owner opens it' -r -F
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l user -d 'Become this user once the sockets are bound; root only' -r
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -l json -d 'Answer in JSON'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand check-config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand version" -l json -d 'Answer in JSON'
complete -c solo2-relay -n "__fish_solo2_relay_using_subcommand version" -s h -l help -d 'Print help'
