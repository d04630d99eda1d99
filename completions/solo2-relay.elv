
use builtin;
use str;

set edit:completion:arg-completer[solo2-relay] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'solo2-relay'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'solo2-relay'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand init 'Make the secret of a new relay'
            cand serve 'Run the server'
            cand invite 'Make an invite: one line that a client needs to use this relay'
            cand health 'Ask a running relay whether it is well'
            cand stats 'Say what a running relay did so far, in sums over everybody'
            cand limits 'Show or change what a running relay allows'
            cand check-config 'Check the configuration and say what holds'
            cand version 'Print the version'
        }
        &'solo2-relay;init'= {
            cand --secret-file 'Where to put it; nobody else may read it'
            cand --json 'Answer in JSON'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'solo2-relay;serve'= {
            cand --config 'Configuration file, TOML; its keys are the flags below'
            cand --listen-udp 'Address and port to serve on; may be given several times'
            cand --listen-tcp 'Address and port to serve over TCP, for networks that let no UDP through'
            cand --listen-tls 'Address and port to serve over TLS, for networks that let nothing else through'
            cand --onion 'Listen over TCP here, too, for a Tor daemon on this machine that keeps an onion service'
            cand --threads 'Threads that serve UDP; one for each core unless given, but no more than 8'
            cand --tls-cert 'Certificate chain for TLS, PEM'
            cand --tls-key 'Private key for TLS, PEM'
            cand --max-connections 'Connections over TCP and TLS altogether'
            cand --max-connections-per-address 'Connections from one network: an IPv4 address, or an IPv6 /56'
            cand --role 'What is served: turn, stun, or both'
            cand --secret-file 'The secret that invites are made from; made if it is not there'
            cand --revoked-file 'Invites that are good no longer, one id a line; read again upon SIGHUP'
            cand --public-ip 'Address that clients know this relay by, if it is not the one it listens on'
            cand --realm 'What the relay calls itself in its challenges, like relay.example'
            cand --peers 'With whom clients may talk'
            cand --relay-ports 'Ports of relayed addresses'
            cand --max-allocs 'Allocations altogether'
            cand --max-allocs-per-cred 'Allocations of one invite'
            cand --max-bps-per-cred 'Bits per second that one invite may send; unlimited unless given'
            cand --cred-ttl 'How far ahead a credential may expire, 24 h at most'
            cand --log 'What is said while serving: nothing, or sums of everybody once a minute'
            cand --control 'Unix socket for the commands stats and limits; only its owner opens it'
            cand --user 'Become this user once the sockets are bound; root only'
            cand --json 'Answer in JSON'
            cand --selftest-sandbox 'Give up all that serving does not need, try to get it back, say what worked, and end'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'solo2-relay;invite'= {
            cand --secret-file 'The secret of the relay; made if it is not there'
            cand --public 'Where clients reach the relay, once for each transport: turn:HOST:PORT, turn:HOST:PORT?transport=tcp, turns:HOST:PORT; through Tor over TCP alone: turn:NAME.onion:PORT?transport=tcp'
            cand --tls-cert 'The certificate that clients shall insist on, PEM: for one that nobody vouches for'
            cand --ttl 'How long the invite is good; for ever unless given'
            cand --qr 'Show it as a QR code, too'
            cand --turn-credential 'Print a credential for any TURN client instead, good for 24 h'
            cand --json 'Answer in JSON'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'solo2-relay;health'= {
            cand --url 'The relay, by UDP, or with ?transport=tcp by TCP'
            cand --json 'Answer in JSON'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'solo2-relay;stats'= {
            cand --control 'The socket that the relay was given as --control'
            cand --json 'Answer in JSON'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'solo2-relay;limits'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand show 'Show them'
            cand set 'Change them until the relay ends; what is there already stays'
        }
        &'solo2-relay;limits;show'= {
            cand --control 'The socket that the relay was given as --control'
            cand --json 'Answer in JSON'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'solo2-relay;limits;set'= {
            cand --control 'The socket that the relay was given as --control'
            cand --max-allocs 'Allocations altogether'
            cand --max-allocs-per-cred 'Allocations of one invite'
            cand --max-bps-per-cred 'Bits per second that one invite may send; 0 for no limit'
            cand --max-connections 'Connections over TCP and TLS altogether'
            cand --max-connections-per-address 'Connections from one network'
            cand --json 'Answer in JSON'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'solo2-relay;check-config'= {
            cand --config 'Configuration file, TOML; its keys are the flags below'
            cand --listen-udp 'Address and port to serve on; may be given several times'
            cand --listen-tcp 'Address and port to serve over TCP, for networks that let no UDP through'
            cand --listen-tls 'Address and port to serve over TLS, for networks that let nothing else through'
            cand --onion 'Listen over TCP here, too, for a Tor daemon on this machine that keeps an onion service'
            cand --threads 'Threads that serve UDP; one for each core unless given, but no more than 8'
            cand --tls-cert 'Certificate chain for TLS, PEM'
            cand --tls-key 'Private key for TLS, PEM'
            cand --max-connections 'Connections over TCP and TLS altogether'
            cand --max-connections-per-address 'Connections from one network: an IPv4 address, or an IPv6 /56'
            cand --role 'What is served: turn, stun, or both'
            cand --secret-file 'The secret that invites are made from; made if it is not there'
            cand --revoked-file 'Invites that are good no longer, one id a line; read again upon SIGHUP'
            cand --public-ip 'Address that clients know this relay by, if it is not the one it listens on'
            cand --realm 'What the relay calls itself in its challenges, like relay.example'
            cand --peers 'With whom clients may talk'
            cand --relay-ports 'Ports of relayed addresses'
            cand --max-allocs 'Allocations altogether'
            cand --max-allocs-per-cred 'Allocations of one invite'
            cand --max-bps-per-cred 'Bits per second that one invite may send; unlimited unless given'
            cand --cred-ttl 'How far ahead a credential may expire, 24 h at most'
            cand --log 'What is said while serving: nothing, or sums of everybody once a minute'
            cand --control 'Unix socket for the commands stats and limits; only its owner opens it'
            cand --user 'Become this user once the sockets are bound; root only'
            cand --json 'Answer in JSON'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'solo2-relay;version'= {
            cand --json 'Answer in JSON'
            cand -h 'Print help'
            cand --help 'Print help'
        }
    ]
    $completions[$command]
}
