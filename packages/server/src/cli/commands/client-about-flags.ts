/** The flags of `client add` and `client set` about what people read of a client. */

import type { Command } from 'commander'

export interface ClientAboutFlags {
  readonly clientUri?: string
  readonly logoUri?: string
  readonly policyUri?: string
  readonly tosUri?: string
  readonly contact?: readonly string[]
}

export function withClientAboutFlags(command: Command): Command {
  return command
    .option('--client-uri <url>', 'a page about it')
    .option('--logo-uri <url>', 'its logo; kept and told, never shown by Pawl itself')
    .option('--policy-uri <url>', 'what it does with data')
    .option('--tos-uri <url>', 'its terms of service')
    .option('--contact <text>', 'who answers for it, such as an e-mail; several times', collect)
}

export function aboutChangesOf(flags: ClientAboutFlags): { readonly [name: string]: unknown } {
  return {
    clientUri: flags.clientUri,
    logoUri: flags.logoUri,
    policyUri: flags.policyUri,
    tosUri: flags.tosUri,
    contacts: flags.contact,
  }
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}
