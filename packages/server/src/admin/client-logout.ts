/** What an operator may say about how a client hears that a session has ended, as names of OIDC and back. */

import { originOfRedirectUri } from '@pawl/protocol'
import { z } from 'zod'
import type { Client } from '../domain/client/client.ts'
import type { LogoutChannels } from '../domain/client/logout-channels.ts'
import { judgeOutboundUrl } from '../domain/outbound/outbound-url.ts'

const uri = z.string().max(2048).nullable().optional()

export const logoutChangesShape = {
  backchannelLogoutUri: uri,
  backchannelLogoutSessionRequired: z.boolean().optional(),
  frontchannelLogoutUri: uri,
  frontchannelLogoutSessionRequired: z.boolean().optional(),
}
export type LogoutChanges = z.infer<z.ZodObject<typeof logoutChangesShape>>

export function logoutChannelsOf(channels: LogoutChannels, changes: LogoutChanges): LogoutChannels {
  const { backchannelLogoutUri, frontchannelLogoutUri } = changes
  return {
    backChannelUri: backchannelLogoutUri === undefined ? channels.backChannelUri : backchannelLogoutUri,
    backChannelSessionRequired: changes.backchannelLogoutSessionRequired ?? channels.backChannelSessionRequired,
    frontChannelUri: frontchannelLogoutUri === undefined ? channels.frontChannelUri : frontchannelLogoutUri,
    frontChannelSessionRequired: changes.frontchannelLogoutSessionRequired ?? channels.frontChannelSessionRequired,
  }
}

/** One sentence for each thing that is wrong. */
export function judgeLogout(client: Client): string[] {
  const { backChannelUri, frontChannelUri } = client.logout
  const wrong: string[] = []
  const usesSessions = client.grantTypes.includes('authorization_code')
  if (!usesSessions && (backChannelUri !== null || frontChannelUri !== null)) {
    wrong.push(`A client of kind ${client.kind} has no part in anybody's session: there is nothing to tell it of.`)
  }
  const refusal = backChannelUri === null ? null : judgeAddress(backChannelUri)
  if (refusal !== null) wrong.push(`The back-channel logout URI is refused: ${refusal}.`)
  const fault = frontChannelUri === null ? null : judgeFrame(client, frontChannelUri)
  if (fault !== null) wrong.push(`The front-channel logout URI is refused: ${fault}.`)
  return wrong
}

/** OIDC Back-Channel Logout 1.0 §2.2, OIDC Front-Channel Logout 1.0 §2. */
export function logoutJson({ logout }: Client): { readonly [name: string]: unknown } {
  const { backChannelUri, backChannelSessionRequired, frontChannelUri, frontChannelSessionRequired } = logout
  return {
    ...(backChannelUri === null
      ? {}
      : { backchannel_logout_uri: backChannelUri, backchannel_logout_session_required: backChannelSessionRequired }),
    ...(frontChannelUri === null
      ? {}
      : {
          frontchannel_logout_uri: frontChannelUri,
          frontchannel_logout_session_required: frontChannelSessionRequired,
        }),
  }
}

/** Where it leads is judged when something is sent: an operator's own hosts are known to the server alone. */
function judgeAddress(address: string): string | null {
  if (address.includes('#')) return 'it has a fragment'
  const privateHosts = new Set(URL.canParse(address) ? [new URL(address).hostname] : [])
  return judgeOutboundUrl(address, { allowsLoopback: true, privateHosts })
}

/** A page in a frame of ours is the client's own: it lies where one of its redirect URIs does (§2). */
function judgeFrame({ redirectUris }: Client, address: string): string | null {
  const refusal = judgeAddress(address)
  if (refusal !== null) return refusal
  const isOwn = redirectUris.some(redirectUri => originOfRedirectUri(redirectUri) === new URL(address).origin)
  return isOwn ? null : 'it lies at the origin of none of its redirect URIs'
}
