# shellcheck shell=bash
# How the demo shows a command, and how it checks what it did.
#
# In:      an engine, a registry (STACKYARD_TEST_REGISTRY)
# Out:     demo_stack, step, run, edit; claim, holds (end the demo if it is not so); remember, changed
# Touches: $SY_RUN/demo.*

export TAG=2026.3-main

# A copy of the example in a git repository of its own; what earlier demos left is removed.
demo_stack() {
  local old dir
  for old in "$SY_RUN"/demo.*; do
    [ -e "$old/lock" ] || continue
    if (exec 207>"$old/lock" && flock -n 207); then rm -rf "$old"; fi
  done
  dir=$(mktemp -d "$SY_RUN/demo.XXXXXX")
  exec 207>"$dir/lock"
  flock 207
  DEMO_SEEN=$dir/seen
  mkdir "$DEMO_SEEN"
  cp -r "$SY_ROOT/examples/campus" "$dir/campus"
  find "$dir/campus" -name __pycache__ -prune -exec rm -rf {} +
  cd "$dir/campus" || return
  export GIT_AUTHOR_NAME=Demo GIT_AUTHOR_EMAIL=demo@example.org GIT_COMMITTER_NAME=Demo GIT_COMMITTER_EMAIL=demo@example.org
  export GIT_CONFIG_GLOBAL=/dev/null
  # A registry that was running before knows what an earlier demo published: this one has a folder of its own there.
  STACKYARD_REGISTRY=$STACKYARD_TEST_REGISTRY/$(basename "$dir" | tr '[:upper:].' '[:lower:]-')
  export STACKYARD_REGISTRY
  echo .stackyard/ >.gitignore
  git init --quiet --initial-branch=main
  git add --all
  git commit --quiet --message "A stack of notebook images"
  on_exit demo_clean
}

# The engine keeps its images between runs, so the demo takes its own out again; its build cache stays.
demo_clean() {
  local images
  mapfile -t images < <(docker image ls --format '{{.Repository}}:{{.Tag}}' | grep -F "$STACKYARD_REGISTRY/" | grep -v '<none>')
  [ ${#images[@]} -eq 0 ] || docker image rm --force "${images[@]}" >/dev/null
}

step() { printf '\n\n# %s\n' "$*"; }

# In: a command. Shows it, then runs it.
run() {
  local word shown=''
  for word in "$@"; do
    case $word in *[!A-Za-z0-9_./:=@-]*) shown+=" '$word'" ;; *) shown+=" $word" ;; esac
  done
  printf '\n$%s\n' "$shown"
  "$@" || die "this ended with status $?: $*"
}

# In: a commit message, a file, a line. A line that sets something replaces the one that set it; others are added.
edit() {
  local key=${3%% = *}
  if [ "$key" != "$3" ] && grep -q "^$key = " "$2"; then
    sed -i "s|^$key = .*|$3|" "$2"
  else
    echo "$3" >>"$2"
  fi
  run git commit --quiet --all --message "$1"
  git --no-pager show --format= --unified=0 | tail -n +5
}

# In: a sentence, a stackyard command, an expression over its JSON (lib/holds.py).
claim() {
  local words
  read -ra words <<<"$2"
  stackyard "${words[@]}" --json 2>/dev/null | python3 "$SY_ROOT/script/lib/holds.py" "$3" || die "it is not so that $1"
  say "checked: $1"
}

# In: a sentence, what is, what should be.
holds() {
  [ "$2" = "$3" ] || die "it is not so that $1 (found '$2', expected '$3')"
  say "checked: $1"
}

# In: a name, a tag. Writes down which digests the registry itself has under the tag.
remember() { python3 "$SY_ROOT/script/lib/published.py" "$STACKYARD_REGISTRY" "$2" >"$DEMO_SEEN/$1"; }
count_lines() { wc -l <"$DEMO_SEEN/$1" | tr -d ' '; }

# In: two names. Out: the images whose digest differs, sorted, on one line.
changed() { comm -3 "$DEMO_SEEN/$1" "$DEMO_SEEN/$2" | awk '{print $1}' | sed 's,.*/,,' | sort -u | paste -sd' '; }

seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.1f", b - a}'; }
