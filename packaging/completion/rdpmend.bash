# bash completion for rdpmend. Install as /usr/share/bash-completion/completions/rdpmend, or source it.
# tests/cli compares it with --help.

# Asks the service, if there is one: its faults, or its open incidents.
_rdpmend_first_column() {
  "${COMP_WORDS[0]}" --timeout 1 "$1" 2>/dev/null </dev/null | awk 'NR > 1 && $1 ~ /^[a-z0-9_]+$/ { print $1 }'
}

_rdpmend() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local commands="status health diagnose faults incidents show plan watch loans journal selftest repair approve rollback dismiss relax return explain probe analyze"
  local options="--help --profile --address --format --timeout --no-color --version"
  local command= word position=0

  # The command, and how many arguments stand behind it; the value of an option is none.
  local skip=
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ -n $skip ]]; then
      skip=
    elif [[ $word == --*=* ]]; then
      :
    else
      case $word in
        --profile | --address | --format | --timeout | --comment | --plan | --since | --after | --incident | --limit | \
          --deadline | --request | --rules | --for | --reason | --at-most | --max-age)
          skip=yes
          ;;
        -*) ;;
        *)
          if [[ -z $command ]]; then command=$word; else position=$((position + 1)); fi
          ;;
      esac
    fi
  done

  case $previous in
    --profile | --rules)
      COMPREPLY=($(compgen -f -- "$current"))
      return
      ;;
    --format)
      local formats="table json"
      if [[ $command == health ]]; then formats+=" junit avd"; fi
      COMPREPLY=($(compgen -W "$formats" -- "$current"))
      return
      ;;
    --address | --timeout | --comment | --plan | --since | --after | --incident | --limit | --deadline | --request | --for | --reason | \
      --at-most | --max-age)
      COMPREPLY=()
      return
      ;;
  esac

  case $command in
    status) options+=" --check" ;;
    health) options+=" --all --wait --at-most --max-age" ;;
    incidents) options+=" --all" ;;
    repair | rollback) options+=" --comment --wait" ;;
    approve) options+=" --comment --plan --wait" ;;
    dismiss | return) options+=" --comment" ;;
    relax) options+=" --for --reason" ;;
    selftest) options+=" --all" ;;
    watch) options+=" --since --after --from-start --incident" ;;
    journal) options+=" --after --incident --limit --verify" ;;
    probe) options+=" --deadline --request --report --incident" ;;
    analyze) options+=" --rules" ;;
  esac

  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ -z $command ]]; then
    COMPREPLY=($(compgen -W "$commands" -- "$current"))
  elif [[ $command == analyze && $position == 0 ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
  elif [[ $command == diagnose || ( $command == plan || $command == faults ) && $position == 0 ]]; then
    COMPREPLY=($(compgen -W "$(_rdpmend_first_column faults)" -- "$current"))
  elif [[ $command =~ ^(relax|return)$ && $position == 0 ]]; then
    COMPREPLY=($(compgen -W "nla" -- "$current"))
  elif [[ $command =~ ^(show|repair|approve|rollback|dismiss)$ && $position == 0 ]]; then
    COMPREPLY=($(compgen -W "$(_rdpmend_first_column incidents)" -- "$current"))
  else
    COMPREPLY=()
  fi
}

complete -o filenames -F _rdpmend rdpmend
