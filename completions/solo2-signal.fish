# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_solo2_signal_global_optspecs
    string join \n h/help V/version
end

function __fish_solo2_signal_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_solo2_signal_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_solo2_signal_using_subcommand
    set -l cmd (__fish_solo2_signal_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c solo2-signal -n "__fish_solo2_signal_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2-signal -n "__fish_solo2_signal_needs_command" -s V -l version -d 'Print version'
complete -c solo2-signal -n "__fish_solo2_signal_needs_command" -f -a "serve" -d 'Run the server'
complete -c solo2-signal -n "__fish_solo2_signal_needs_command" -f -a "health" -d 'Ask a running server whether it is well'
complete -c solo2-signal -n "__fish_solo2_signal_needs_command" -f -a "check-config" -d 'Check the configuration and say what holds'
complete -c solo2-signal -n "__fish_solo2_signal_needs_command" -f -a "version" -d 'Print the version'
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l config -d 'Configuration file, TOML; its keys are the flags below' -r -F
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l listen -d 'Address and port to listen on; port 0 lets the system choose' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l onion -d 'Listen here, too, for a Tor daemon on this machine that keeps an onion service' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l db -d 'Where records are kept: in memory, and nowhere else' -r -f -a "memory\t'In memory only'"
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l signal-ttl -d 'How long an introduction waits for its other half, 60 s at most' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l tls-cert -d 'Certificate chain for TLS, PEM' -r -F
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l tls-key -d 'Private key for TLS, PEM' -r -F
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l stun -d 'Answer STUN binding requests on this UDP address' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l max-connections -d 'Connections altogether' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l max-connections-per-address -d 'Connections from one network: an IPv4 address, or an IPv6 /56' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l max-waiting -d 'Introductions kept at a time; the oldest makes room' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l user -d 'Become this user once the sockets are bound; root only' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l json -d 'Answer in JSON'
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -l selftest-sandbox -d 'Give up all that serving does not need, try to get it back, say what worked, and end'
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand health" -l url -d 'The server, as `http://`, `https://`, `ws://` or `wss://`' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand health" -l ca -d 'Certificate to trust, PEM; needed for https' -r -F
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand health" -l json -d 'Answer in JSON'
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand health" -s h -l help -d 'Print help'
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l config -d 'Configuration file, TOML; its keys are the flags below' -r -F
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l listen -d 'Address and port to listen on; port 0 lets the system choose' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l onion -d 'Listen here, too, for a Tor daemon on this machine that keeps an onion service' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l db -d 'Where records are kept: in memory, and nowhere else' -r -f -a "memory\t'In memory only'"
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l signal-ttl -d 'How long an introduction waits for its other half, 60 s at most' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l tls-cert -d 'Certificate chain for TLS, PEM' -r -F
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l tls-key -d 'Private key for TLS, PEM' -r -F
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l stun -d 'Answer STUN binding requests on this UDP address' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l max-connections -d 'Connections altogether' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l max-connections-per-address -d 'Connections from one network: an IPv4 address, or an IPv6 /56' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l max-waiting -d 'Introductions kept at a time; the oldest makes room' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l user -d 'Become this user once the sockets are bound; root only' -r
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -l json -d 'Answer in JSON'
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand check-config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand version" -l json -d 'Answer in JSON'
complete -c solo2-signal -n "__fish_solo2_signal_using_subcommand version" -s h -l help -d 'Print help'
