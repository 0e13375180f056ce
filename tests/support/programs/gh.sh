#!/usr/bin/env bash
# Stands in for GitHub's command line: what it is asked for is kept in $GH_STATE/calls, and answered from the
# files there. Comments that are posted become comments there.
set -euo pipefail
cd "$GH_STATE"
printf '%s\n' "$*" >> calls
input() { while [ "$1" != --input ]; do shift; done; printf '%s' "$2"; }
[ -n "$GH_TOKEN" ]
asked="$*"
case "$asked" in
  'api --paginate repos/acme/shop/pulls/7/files?per_page=100') cat files.json ;;
  'api -H Accept: application/vnd.github.raw+json repos/acme/shop/git/blobs/'*) cat "blobs/${asked##*/}" ;;
  'api repos/acme/shop/pulls/7') cat pull.json ;;
  'api --paginate repos/acme/shop/issues/7/comments?per_page=100') cat comments.json ;;
  'api --method POST repos/acme/shop/issues/7/comments --input '*)
    jq --slurpfile new "$(cd "$RUNNER_TEMP" && realpath "$(input "$@")")" \
      '. + [$new[0] + { id: (length + 1), user: { login: "github-actions[bot]" } }]' comments.json > next.json
    mv next.json comments.json ;;
  'api --method PATCH repos/acme/shop/issues/comments/'*' --input '*)
    id=${4##*/}
    jq --slurpfile new "$(cd "$RUNNER_TEMP" && realpath "$(input "$@")")" --argjson id "$id" \
      'map(if .id == $id then .body = $new[0].body else . end)' comments.json > next.json
    mv next.json comments.json ;;
  *) echo "unexpected: gh $*" >&2; exit 64 ;;
esac
