/** What several profiles ask alike: of the way to the server, of whom its tokens are for, of whether people are asked. */

import type { Client } from '../../domain/client/client.ts'
import { type ClientFault, either, type Judgement, met, type Situation, unseen } from './clause.ts'

/** TLS from the browser and the application to us. */
export function judgeTransport({ issuer, settings }: Situation): readonly Judgement[] {
  if (issuer.startsWith('http:')) {
    return either(false, {
      met: '',
      failed: `the issuer ${issuer} is plain http`,
      change: 'serve with --issuer https://…, and with --tls-cert and --tls-key or behind a proxy that ends TLS',
    })
  }
  if (settings.tlsCert !== null)
    return met('Pawl ends TLS itself, with 1.2 and 1.3, and of 1.2 the ciphers that RFC 9325 recommends')
  return unseen('a proxy ends TLS: see there that it speaks 1.2 or later and redirects nothing to plain http')
}

/** Whether a client can show a certificate here. */
export function takesCertificates({ metadata }: Situation): boolean {
  const methods = metadata['token_endpoint_auth_methods_supported']
  return Array.isArray(methods) && methods.includes('tls_client_auth')
}

/** Tokens are for somebody whom the operator knows. */
export function judgeAudiences({ settings }: Situation): readonly Judgement[] {
  return either(settings.resources === 'registered', {
    met: 'tokens are for registered resources alone, with the scopes of these',
    failed: 'clients may name resources that nobody registered',
    change: 'register them (pawl resource add) and serve with --resources registered',
  })
}

export function judgeConsent({ firstParty }: Client): ClientFault | null {
  return firstParty ? { reason: 'nobody is asked for consent', change: 'say --no-first-party' } : null
}
