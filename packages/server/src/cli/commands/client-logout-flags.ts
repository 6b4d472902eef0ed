/** The flags of `client add` and `client set` about how a client hears that a session has ended. */

import type { Command } from 'commander'

export interface ClientLogoutFlags {
  /** False: `--no-backchannel-logout`. */
  readonly backchannelLogout?: string | false
  readonly backchannelSession?: boolean
  /** False: `--no-frontchannel-logout`. */
  readonly frontchannelLogout?: string | false
  readonly frontchannelSession?: boolean
}

export function withClientLogoutFlags(command: Command): Command {
  return command
    .option('--backchannel-logout <url>', 'where Pawl posts a logout token when a session ends')
    .option('--no-backchannel-logout', 'post none')
    .option('--backchannel-session', 'tell it of sessions alone')
    .option('--no-backchannel-session', 'tell it of users too')
    .option('--frontchannel-logout <url>', 'a page that the browser loads in a frame when its user signs out')
    .option('--no-frontchannel-logout', 'load none')
    .option('--frontchannel-session', 'it needs the session named')
    .option('--no-frontchannel-session', 'it does not')
}

export function logoutChangesOf(flags: ClientLogoutFlags): { readonly [name: string]: unknown } {
  return {
    backchannelLogoutUri: flags.backchannelLogout === false ? null : flags.backchannelLogout,
    backchannelLogoutSessionRequired: flags.backchannelSession,
    frontchannelLogoutUri: flags.frontchannelLogout === false ? null : flags.frontchannelLogout,
    frontchannelLogoutSessionRequired: flags.frontchannelSession,
  }
}
