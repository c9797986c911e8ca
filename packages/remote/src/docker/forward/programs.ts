// Connections out of a container, made by whatever program it has. perl and python3 run a script of ours, whose output
// is framed, so that either half can end by itself; socat and nc end both halves when the far side ends.
// OpenBSD's nc notices the far side's end only once this side has ended, and the traditional one passes no end on.
import type { Connector } from "../container/probe.ts";

export interface ConnectProgram {
  readonly command: readonly [string, ...string[]];
  /**
   * How its output is to be read: `framed` begins with a line that says whether there is a connection; `socat` says so
   * on stderr; `nc` says nothing when it succeeds.
   */
  readonly manner: "framed" | "socat" | "nc";
}

// `C`, or `E` and why not; then frames: a length in four bytes and as many bytes. Length 0 is the far side's end,
// the highest length its reset. Two processes, because one that writes cannot read.
const PERL = `
use strict; use Socket qw(:DEFAULT getaddrinfo SOCK_STREAM);
my ($host, $port) = @ARGV;
my ($wrong, @addresses) = getaddrinfo($host, $port, {socktype => SOCK_STREAM});
sub say_it { syswrite STDOUT, $_[0] . "\\n" }
if ($wrong) { say_it("E name not found: $wrong"); exit 1 }
my ($socket, $why);
for my $a (@addresses) {
  socket(my $s, $a->{family}, $a->{socktype}, $a->{protocol}) or do { $why = "$!"; next };
  if (connect($s, $a->{addr})) { $socket = $s; last }
  $why = "$!";
}
if (!$socket) { say_it("E $why"); exit 1 }
say_it("C");
binmode STDIN; binmode STDOUT; binmode $socket; $SIG{PIPE} = "IGNORE";
sub all { my ($to, $data) = @_; my $at = 0;
  while ($at < length $data) { my $n = syswrite($to, $data, length($data) - $at, $at); return 0 unless defined $n; $at += $n } 1 }
my $child = fork();
if ($child == 0) {
  while (1) { my $n = sysread(STDIN, my $data, 65536); last unless $n; all($socket, $data) or exit 1 }
  shutdown($socket, 1); exit 0;
}
my $mark = 0;
while (1) {
  my $n = sysread($socket, my $data, 65536);
  if (!defined $n) { $mark = 0xffffffff; last }
  last if $n == 0;
  all(*STDOUT, pack("N", $n) . $data) or last;
}
all(*STDOUT, pack("N", $mark));
kill "KILL", $child if $mark;
waitpid $child, 0;
`;

const PYTHON = `
import os, socket, struct, sys, signal
def say(text): os.write(1, (text + "\\n").encode())
def everything(fd, data):
    while data: data = data[os.write(fd, data):]
try: s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
except socket.gaierror as e: say("E name not found: " + str(e)); sys.exit(1)
except OSError as e: say("E " + (e.strerror or str(e))); sys.exit(1)
say("C")
child = os.fork()
if child == 0:
    try:
        while True:
            data = os.read(0, 65536)
            if not data: break
            s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    except OSError: pass
    os._exit(0)
mark = 0
try:
    while True:
        try: data = s.recv(65536)
        except OSError: mark = 0xffffffff; break
        if not data: break
        everything(1, struct.pack(">I", len(data)) + data)
    everything(1, struct.pack(">I", mark))
except OSError: mark = 1
if mark: os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
`;

/** A day: what is half closed may stay so for long. */
const SOCAT_HALF_CLOSED_S = 86_400;

/** The host and port have been checked: they are words. */
export function connectProgram(connector: Connector, host: string, port: number): ConnectProgram {
  const address = host.includes(":") ? `[${host}]` : host;
  switch (connector) {
    case "perl":
      return { command: ["perl", "-e", PERL, host, String(port)], manner: "framed" };
    case "python3":
      return { command: ["python3", "-c", PYTHON, host, String(port)], manner: "framed" };
    case "socat": {
      const options = ["-d", "-d", "-t", String(SOCAT_HALF_CLOSED_S)];
      return { command: ["socat", ...options, "-", `TCP:${address}:${port}`], manner: "socat" };
    }
    case "nc": {
      // OpenBSD's has to be told to pass an end on; others refuse the option, and pass it on by themselves.
      const line =
        'case $(nc -h 2>&1) in *-N*shutdown*|*-N*Shutdown*) exec nc -N "$1" "$2" ;; *) exec nc "$1" "$2" ;; esac';
      return { command: ["sh", "-c", line, "holdfast", host, String(port)], manner: "nc" };
    }
  }
}
