# shellcheck shell=bash
# Sourced by the scripts of this folder, not run.

# progress MAIN [TOTAL] turns what the go command says on its standard input into
# a progress report on standard error: how many modules it downloaded, and how
# many packages it compiled, of at most TOTAL (it does not say beforehand which
# ones are cached). On a terminal that is one line that keeps changing,
# elsewhere a line now and then. When package MAIN has its turn, what is left to
# wait for is the linker. Anything else the go command says is passed on.
progress() {
  local main=$1 total=${2:-} line text='' next=0 modules=0 packages=0
  while IFS= read -r line; do
    case $line in
      'go: downloading '*)
        modules=$((modules + 1))
        text="downloading modules: $modules so far"
        ;;
      "$main")
        text='linking'
        next=0
        ;;
      *[!A-Za-z0-9._~/-]*)
        progress_end
        printf '%s\n' "$line" >&2
        continue
        ;;
      *)
        packages=$((packages + 1))
        text="compiling packages: $packages${total:+ of at most $total}"
        ;;
    esac
    if [ -t 2 ]; then
      printf '\r\033[K  %s (%d s)' "$text" "$SECONDS" >&2
    elif [ "$SECONDS" -ge "$next" ]; then
      printf '  %s (%d s)\n' "$text" "$SECONDS" >&2
      next=$((SECONDS + 20))
    fi
  done
  progress_end
}

# progress_end clears the line that keeps changing.
progress_end() {
  [ ! -t 2 ] || printf '\r\033[K' >&2
}
