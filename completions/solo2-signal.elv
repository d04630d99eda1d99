
use builtin;
use str;

set edit:completion:arg-completer[solo2-signal] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'solo2-signal'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'solo2-signal'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand serve 'Run the server'
            cand health 'Ask a running server whether it is well'
            cand check-config 'Check the configuration and say what holds'
            cand version 'Print the version'
        }
        &'solo2-signal;serve'= {
            cand --config 'Configuration file, TOML; its keys are the flags below'
            cand --listen 'Address and port to listen on; port 0 lets the system choose'
            cand --onion 'Listen here, too, for a Tor daemon on this machine that keeps an onion service'
            cand --db 'Where records are kept: in memory, and nowhere else'
            cand --signal-ttl 'How long an introduction waits for its other half, 60 s at most'
            cand --tls-cert 'Certificate chain for TLS, PEM'
            cand --tls-key 'Private key for TLS, PEM'
            cand --stun 'Answer STUN binding requests on this UDP address'
            cand --max-connections 'Connections altogether'
            cand --max-connections-per-address 'Connections from one network: an IPv4 address, or an IPv6 /56'
            cand --max-waiting 'Introductions kept at a time; the oldest makes room'
            cand --user 'Become this user once the sockets are bound; root only'
            cand --json 'Answer in JSON'
            cand --selftest-sandbox 'Give up all that serving does not need, try to get it back, say what worked, and end'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'solo2-signal;health'= {
            cand --url 'The server, as `http://`, `https://`, `ws://` or `wss://`'
            cand --ca 'Certificate to trust, PEM; needed for https'
            cand --json 'Answer in JSON'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'solo2-signal;check-config'= {
            cand --config 'Configuration file, TOML; its keys are the flags below'
            cand --listen 'Address and port to listen on; port 0 lets the system choose'
            cand --onion 'Listen here, too, for a Tor daemon on this machine that keeps an onion service'
            cand --db 'Where records are kept: in memory, and nowhere else'
            cand --signal-ttl 'How long an introduction waits for its other half, 60 s at most'
            cand --tls-cert 'Certificate chain for TLS, PEM'
            cand --tls-key 'Private key for TLS, PEM'
            cand --stun 'Answer STUN binding requests on this UDP address'
            cand --max-connections 'Connections altogether'
            cand --max-connections-per-address 'Connections from one network: an IPv4 address, or an IPv6 /56'
            cand --max-waiting 'Introductions kept at a time; the oldest makes room'
            cand --user 'Become this user once the sockets are bound; root only'
            cand --json 'Answer in JSON'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'solo2-signal;version'= {
            cand --json 'Answer in JSON'
            cand -h 'Print help'
            cand --help 'Print help'
        }
    ]
    $completions[$command]
}
