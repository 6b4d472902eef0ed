/** What an operator may say about the ways a client gets tokens, and what follows from it for its grant types. */

import { z } from 'zod'
import {
  type Client,
  deviceCodeGrantType,
  type GrantType,
  isPublicClient,
  tokenExchangeGrantType,
} from '../domain/client/client.ts'
import { allows, exchangeRules } from '../domain/client/exchange-rule.ts'

export const grantChangesShape = {
  refresh: z.boolean().optional(),
  deviceGrant: z.boolean().optional(),
  exchange: z.enum(exchangeRules).optional(),
}
export type GrantChanges = z.infer<z.ZodObject<typeof grantChangesShape>>

export function grantsOf(client: Client, changes: GrantChanges): Pick<Client, 'grantTypes' | 'exchange'> {
  const exchange = changes.exchange ?? client.exchange
  let { grantTypes } = client
  grantTypes = withGrantType(grantTypes, 'refresh_token', changes.refresh)
  grantTypes = withGrantType(grantTypes, deviceCodeGrantType, changes.deviceGrant)
  grantTypes = withGrantType(grantTypes, tokenExchangeGrantType, exchange !== 'none')
  return { grantTypes, exchange }
}

/** One sentence for each thing that is wrong. */
export function judgeGrants(client: Client): string[] {
  const { kind, grantTypes, exchange } = client
  const wrong: string[] = []
  const hasRefresh = grantTypes.includes('refresh_token')
  if (kind === 'service' && hasRefresh) {
    wrong.push('A client of kind service gets no refresh token: it can always ask again.')
  }
  if ((kind === 'spa' || kind === 'service') && grantTypes.includes(deviceCodeGrantType)) {
    wrong.push(`A client of kind ${kind} has a way of its own to get tokens: leave --device-grant out.`)
  }
  if (exchange === 'branching' && !hasRefresh) {
    wrong.push('A client without refresh tokens has nothing to branch: leave --exchange out.')
  }
  if (allows(exchange, 'branching') && hasRefresh && client.reuseEnds === 'family') {
    wrong.push(
      'Where families branch a thief may hold one of the others: leave --reuse-ends family out, or --exchange.',
    )
  }
  if (allows(exchange, 'delegation') && isPublicClient(client)) {
    wrong.push('Only a client that proves who it is may exchange access tokens (RFC 8693 §5): --exchange branching.')
  }
  return wrong
}

function withGrantType(
  grantTypes: readonly GrantType[],
  type: GrantType,
  wanted: boolean | undefined,
): readonly GrantType[] {
  if (wanted === undefined || wanted === grantTypes.includes(type)) return grantTypes
  return wanted ? [...grantTypes, type] : grantTypes.filter(grantType => grantType !== type)
}
