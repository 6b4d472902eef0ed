/** What an operator may say about the requests of a client, as names of RFC 7591 and back. */

import { z } from 'zod'
import type { Client } from '../domain/client/client.ts'
import { signingAlgorithms } from '../domain/client/signing-algorithm.ts'
import { requestObjectAlgorithms, type RequestRules } from '../domain/client/request-rules.ts'
import { encrypted, encryptionJson } from './client-tokens.ts'

export const authorizationDetailsTypesMax = 32
export const defaultAcrValuesMax = 16
/** As many digits as `max_age` of a request may have. */
export const maxAgeSecondsMax = 9_999_999_999

export const requestChangesShape = {
  requirePushedRequests: z.boolean().optional(),
  requireSignedRequests: z.boolean().optional(),
  requestObjectAlgorithm: z.enum(requestObjectAlgorithms).nullable().optional(),
  responseAlgorithm: z.enum(signingAlgorithms).optional(),
  responseEncrypted: encrypted,
  authorizationDetailsTypes: z.array(z.string().max(256)).max(128).optional(),
  defaultMaxAgeSeconds: z.int().min(0).max(maxAgeSecondsMax).nullable().optional(),
  defaultAcrValues: z
    .array(z.string().regex(/^[!-~]{1,256}$/))
    .max(defaultAcrValuesMax)
    .optional(),
}
export type RequestChanges = z.infer<z.ZodObject<typeof requestChangesShape>>

export function requestRulesOf(rules: RequestRules, changes: RequestChanges): RequestRules {
  const { requestObjectAlgorithm, responseEncrypted, authorizationDetailsTypes } = changes
  return {
    requirePushed: changes.requirePushedRequests ?? rules.requirePushed,
    requireSigned: changes.requireSignedRequests ?? rules.requireSigned,
    objectAlgorithm: requestObjectAlgorithm === undefined ? rules.objectAlgorithm : requestObjectAlgorithm,
    responseAlgorithm: changes.responseAlgorithm ?? rules.responseAlgorithm,
    responseEncryption: responseEncrypted === undefined ? rules.responseEncryption : responseEncrypted,
    authorizationDetailsTypes:
      authorizationDetailsTypes === undefined
        ? rules.authorizationDetailsTypes
        : [...new Set(authorizationDetailsTypes)],
    defaultMaxAgeSeconds:
      changes.defaultMaxAgeSeconds === undefined ? rules.defaultMaxAgeSeconds : changes.defaultMaxAgeSeconds,
    defaultAcrValues: changes.defaultAcrValues ?? rules.defaultAcrValues,
  }
}

/** One sentence for each thing that is wrong. */
export function judgeRequests(client: Client): string[] {
  const { requireSigned, responseEncryption, authorizationDetailsTypes } = client.requests
  const wrong: string[] = []
  const hasKeys = client.jwks.length > 0 || client.jwksUri !== null
  if (requireSigned && !hasKeys) {
    wrong.push('A client that must sign its requests needs keys to sign with: name them with --jwks.')
  }
  if (responseEncryption !== null && !hasKeys) {
    wrong.push('Answers that are encrypted to a client need a key of it to be encrypted to: name it with --jwks.')
  }
  if (authorizationDetailsTypes.length > authorizationDetailsTypesMax) {
    wrong.push(`A client has at most ${authorizationDetailsTypesMax} types of authorization details.`)
  }
  for (const type of authorizationDetailsTypes) {
    if (!/^[!-~]{1,200}$/.test(type)) {
      wrong.push(`${JSON.stringify(type)} is no type of authorization details: 1 to 200 visible characters.`)
    }
  }
  return wrong
}

/** RFC 9126 §6, RFC 9101 §10.5, OIDC Registration §2, JARM §3, RFC 9396 §10. */
export function requestsJson({ requests }: Client): { readonly [name: string]: unknown } {
  const { objectAlgorithm, authorizationDetailsTypes, defaultMaxAgeSeconds, defaultAcrValues } = requests
  return {
    require_pushed_authorization_requests: requests.requirePushed,
    require_signed_request_object: requests.requireSigned,
    ...(objectAlgorithm === null ? {} : { request_object_signing_alg: objectAlgorithm }),
    authorization_signed_response_alg: requests.responseAlgorithm,
    ...encryptionJson('authorization', requests.responseEncryption),
    ...(authorizationDetailsTypes.length === 0 ? {} : { authorization_details_types: authorizationDetailsTypes }),
    ...(defaultMaxAgeSeconds === null ? {} : { default_max_age: defaultMaxAgeSeconds }),
    ...(defaultAcrValues.length === 0 ? {} : { default_acr_values: defaultAcrValues }),
  }
}
