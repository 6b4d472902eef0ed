/** A client as a person reads it. */

import type { Client } from '../../domain/client/client.ts'
import { duration, pairs } from '../style.ts'

export function clientWords(client: Client): string {
  const refreshes = client.grantTypes.includes('refresh_token')
  const lifetimes = `${duration(client.idleSeconds)} unused, ${duration(client.absoluteSeconds)} at most`
  const entries: readonly (readonly [string, string])[] = [
    ['client id', client.id],
    ['kind', client.disabled ? `${client.kind} (disabled)` : client.kind],
    ['profile', client.profile ?? ''],
    ['authentication', client.authMethod],
    ['keys', keyWords(client)],
    [
      'certificate',
      client.certificateName === null ? '' : `${client.certificateName.type}=${client.certificateName.value}`,
    ],
    ['redirect URIs', client.redirectUris.join(' ')],
    ['scope', client.scopes.join(' ')],
    ['refresh token', refreshes ? lifetimes : 'none'],
    ['access token', duration(client.accessTokenSeconds)],
    ['consent', client.firstParty ? 'not asked (first party)' : 'asked'],
    ['partner', client.partner ?? ''],
    ['came', client.source === null ? '' : sourceWords(client.source)],
  ]
  return pairs(entries.filter(([, value]) => value !== ''))
}

function sourceWords({ kind, vouchedBy }: NonNullable<Client['source']>): string {
  const how = kind === 'document' ? 'as a document it publishes' : 'by registering itself'
  return vouchedBy === null ? how : `${how}, vouched for by ${vouchedBy}`
}

/** Where its public keys are, or how they are called. */
function keyWords({ jwks, jwksUri }: Client): string {
  if (jwksUri !== null) return jwksUri
  return jwks.map(({ kid, kty }) => String(kid ?? kty)).join(' ')
}

/** Shown once: the server keeps only a keyed hash. */
export function secretWords(secret: string): string {
  return `\nclient secret   ${secret}\nIt is shown this once and kept as a hash only: store it now.`
}
