/** The flags of `client add` and `client set` about the ways a client gets tokens. */

import type { Command } from 'commander'

export interface ClientGrantFlags {
  readonly refresh?: boolean
  readonly deviceGrant?: boolean
  readonly exchange?: string
}

export function withClientGrantFlags(command: Command): Command {
  return command
    .option('--refresh', 'give it refresh tokens')
    .option('--no-refresh', 'give it none')
    .option('--device-grant', 'let it sign people in on a second device (RFC 8628)')
    .option('--no-device-grant', 'do not')
    .option('--exchange <what>', 'what it may exchange (RFC 8693): none, branching, delegation or impersonation')
}

export function grantChangesOf(flags: ClientGrantFlags): { readonly [name: string]: unknown } {
  return { refresh: flags.refresh, deviceGrant: flags.deviceGrant, exchange: flags.exchange }
}
