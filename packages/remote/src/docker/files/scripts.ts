// What the container's sh does for a file: it looks first and says by its exit code what is wrong, because messages
// differ from shell to shell; only what no look can tell (a full disk) is read from stderr.

const LOOK = `
missing() {
  up=\${1%/*}; up=\${up:-/}
  if [ -d "$up" ]; then [ -x "$up" ] || exit 102; exit 101; fi
  if [ -e "$up" ]; then exit 104; fi
  exit 101
}
there() { [ -e "$1" ] || [ -L "$1" ] || missing "$1"; }
`;

export const READ: string = `${LOOK}
[ -e "$1" ] || missing "$1"
[ -d "$1" ] && exit 103
[ -r "$1" ] || exit 102
if [ -f "$1" ] && size=$(stat -L -c %s -- "$1" 2>/dev/null) && [ "$4" = all ]; then
  [ $((size - $2)) -gt "$3" ] && exit 107
fi
if [ "$2" = 0 ]; then exec head -c "$3" -- "$1"; fi
tail -c "+$(($2 + 1))" -- "$1" | head -c "$3"
`;

export const WRITE: string = `${LOOK}
[ -d "$1" ] && exit 103
[ -e "$1" ] || { up=\${1%/*}; up=\${up:-/}; [ -d "$up" ] || missing "$1"; [ -w "$up" ] || exit 102; }
[ -e "$1" ] && { [ -w "$1" ] || exit 102; }
if [ "$2" = append ]; then exec cat >> "$1"; fi
exec cat > "$1"
`;

/** Type and mode in hexadecimal, size, seconds since 1970. */
export const STAT: string = `${LOOK}
if [ "$2" = follow ]; then
  [ -e "$1" ] || missing "$1"
  exec stat -L -c '%f %s %Y' -- "$1"
fi
there "$1"
exec stat -c '%f %s %Y' -- "$1"
`;

/** A letter for the type, the name, and NUL, for each. */
export const LIST: string = `${LOOK}
[ -e "$1" ] || missing "$1"
[ -d "$1" ] || exit 104
[ -r "$1" ] && cd "$1" 2>/dev/null || exit 102
for name in * .*; do
  if [ -L "$name" ]; then type=l
  elif [ "$name" = . ] || [ "$name" = .. ] || [ ! -e "$name" ]; then continue
  elif [ -d "$name" ]; then type=d
  elif [ -f "$name" ]; then type=f
  else type=o
  fi
  printf '%s%s\\0' $type "$name"
done
exit 0
`;

export const MAKE_DIRECTORY: string = `${LOOK}
if [ "$2" = parents ]; then
  if [ -e "$1" ]; then [ -d "$1" ] && exit 0; exit 105; fi
  exec mkdir -p -- "$1"
fi
if [ -e "$1" ] || [ -L "$1" ]; then exit 105; fi
up=\${1%/*}; up=\${up:-/}
[ -d "$up" ] || missing "$1"
exec mkdir -- "$1"
`;

export const REMOVE: string = `${LOOK}
there "$1"
if [ -L "$1" ] || [ ! -d "$1" ]; then exec rm -f -- "$1"; fi
if [ "$2" = recursive ]; then exec rm -rf -- "$1"; fi
for name in "$1"/* "$1"/.[!.]* "$1"/..?*; do
  if [ -e "$name" ] || [ -L "$name" ]; then exit 106; fi
done
exec rmdir -- "$1"
`;

/** As rename(2), not as mv: a directory that is there is no place to move into. */
export const RENAME: string = `${LOOK}
there "$1"
up=\${2%/*}; up=\${up:-/}
[ -d "$up" ] || missing "$2"
if [ -L "$2" ]; then rm -f -- "$2"
elif [ -d "$2" ]; then
  if [ -L "$1" ] || [ ! -d "$1" ]; then exit 103; fi
  rmdir -- "$2" 2>/dev/null || exit 106
fi
exec mv -f -- "$1" "$2"
`;

/** What the exit codes mean: a code for programs and words for people. */
export const PROBLEMS: Readonly<Record<number, readonly [code: string, text: string]>> = {
  101: ["not_found", "there is no such file or directory"],
  102: ["permission_denied", "permission denied"],
  103: ["is_directory", "it is a directory"],
  104: ["not_a_directory", "it is not a directory"],
  105: ["already_exists", "it exists already"],
  106: ["not_empty", "the directory is not empty"],
  107: ["too_large", "it is too large to be read at once; read it in ranges"],
};

/** What programs say, in the C locale. */
export const MESSAGES: readonly (readonly [pattern: RegExp, code: string])[] = [
  [/no space left/i, "no_space"],
  [/read-only file system/i, "read_only"],
  [/permission denied|operation not permitted/i, "permission_denied"],
  [/file exists/i, "already_exists"],
  [/not a directory/i, "not_a_directory"],
  [/is a directory/i, "is_directory"],
  [/not empty/i, "not_empty"],
  [/no such file|nonexistent/i, "not_found"],
  [/name too long/i, "bad_path"],
];
