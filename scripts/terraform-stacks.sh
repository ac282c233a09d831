#!/usr/bin/env bash
# Plans or applies every stack of a synthesized lab with Terraform alone, each after those it depends on.
#
#   terraform-stacks.sh plan   [FOLDER]   init and plan of every stack; a stack that cannot be planned does not keep the others from it
#   terraform-stacks.sh apply  [FOLDER]   applies the plans, and stops at the first that fails
#
# FOLDER is the output of a synthesis, by default CDKTF_OUTDIR or cdktf.out. A plan lies in the stack's folder, in the file "plan". It can hold
# secrets in plain text. An applied plan is removed, so that it is not applied twice.
# TERRAFORM_BINARY_NAME names another program, such as tofu. TF_CLI_ARGS_apply=-parallelism=1 and its like work as they do in Terraform.
# Needs Node and Terraform or OpenTofu.
#
# Exit: 0 done; 1 a stack could not be planned or applied; 2 there is no output, or no plan; 64 wrong arguments; 127 a program is missing.
set -uo pipefail

say() { printf '%s\n' "$*"; }
die() {
  local code=$1
  shift
  printf 'terraform-stacks: error: %s\n' "$*" >&2
  exit "$code"
}

case $# in 1 | 2) ;; *) die 64 "give plan or apply, and at most one folder" ;; esac
action=$1
folder=${2:-${CDKTF_OUTDIR:-cdktf.out}}
terraform=${TERRAFORM_BINARY_NAME:-terraform}
case $action in plan | apply) ;; *) die 64 "'$action' is neither plan nor apply" ;; esac
for program in node "$terraform"; do
  command -v "$program" >/dev/null || die 127 "$program is not on PATH"
done
[ -f "$folder/manifest.json" ] || die 2 "$folder/manifest.json is not there; synthesize the lab first"

# One line for each stack: its folder below the output, each after those it depends on.
stacks=$(node -e '
  const { stacks } = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
  const order = new Set();
  const visit = (name) => { stacks[name].dependencies.forEach(visit); order.add(stacks[name].workingDirectory); };
  Object.keys(stacks).forEach(visit);
  console.log([...order].join("\n"));
' "$folder/manifest.json") || die 2 "$folder/manifest.json is no manifest"
[ -n "$stacks" ] || die 2 "$folder has no stack"

# In the folder of a stack: paths in the output are relative to it.
terraform_in() { "$terraform" -chdir="$folder/$1" "$2" -input=false -no-color "${@:3}"; }

failed=
while IFS= read -r stack; do
  say "== $action ${stack#stacks/}"
  if [ "$action" = plan ]; then
    { terraform_in "$stack" init && terraform_in "$stack" plan -out=plan; } || {
      failed="$failed ${stack#stacks/}"
      # Terraform writes a plan that failed, too.
      rm -f "$folder/$stack/plan"
    }
  else
    [ -f "$folder/$stack/plan" ] || die 2 "$folder/$stack/plan is not there; plan first"
    { terraform_in "$stack" init && terraform_in "$stack" apply plan; } ||
      die 1 "${stack#stacks/} could not be applied, and the stacks after it were not tried"
    rm "$folder/$stack/plan"
  fi
done <<<"$stacks"
[ -z "$failed" ] || die 1 "not planned:$failed"
