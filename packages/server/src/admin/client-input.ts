/** What an operator may say about a client, and the client it makes. The edge: everything inside trusts the type. */

import type { ClientId } from '@pawl/family'
import { z } from 'zod'
import { noClientAbout } from '../domain/client/client-about.ts'
import {
  authAlgorithms,
  authMethods,
  certificateNameTypes,
  type Client,
  clientKinds,
  pkceRules,
} from '../domain/client/client.ts'
import { signingAlgorithms } from '../domain/client/signing-algorithm.ts'
import { judgeKeySet } from '../domain/client/key-set.ts'
import { ordinaryRequests } from '../domain/client/request-rules.ts'
import { noLogoutChannels } from '../domain/client/logout-channels.ts'
import { ordinaryTokens } from '../domain/client/token-rules.ts'
import { acrs } from '../domain/session/acr.ts'
import { aboutChangesShape, aboutOf } from './client-about.ts'
import { defaultsOf, type KindDefaults, repeatSecondsDefault } from './client-defaults.ts'
import { grantChangesShape, grantsOf } from './client-grants.ts'
import { profileChangesShape, withProfile } from './client-profile-rules.ts'
import { requestChangesShape, requestRulesOf } from './client-requests.ts'
import { logoutChangesShape, logoutChannelsOf } from './client-logout.ts'
import { tokenChangesShape, tokenRulesOf } from './client-tokens.ts'
import { secretsFor } from './client-secret.ts'
import { InputRefused } from './workbench.ts'

const texts = z.array(z.string().max(4096)).max(128)
const seconds = z.int()
/** A key set as RFC 7517 §5 writes it; inside, the public members of its keys. */
const keySet = z.unknown().transform((value, context) => {
  const set = judgeKeySet(value, 'registered')
  if ('keys' in set) return set.keys.map(({ jwk }) => jwk)
  context.addIssue({ code: 'custom', message: `The key set is refused: ${set.refusal}` })
  return z.NEVER
})
const certificateName = z.strictObject({ type: z.enum(certificateNameTypes), value: z.string().max(2048) })

/** Everything that can be changed later. Absent: as it is, or as the kind has it. */
export const clientChangesSchema = z.strictObject({
  name: z.string().optional(),
  ...profileChangesShape,
  auth: z.enum(authMethods).optional(),
  authAlgorithm: z.enum(authAlgorithms).nullable().optional(),
  jwks: keySet.optional(),
  jwksUri: z.string().max(2048).nullable().optional(),
  certificateName: certificateName.nullable().optional(),
  attesterJwks: keySet.optional(),
  redirectUris: texts.optional(),
  postLogoutRedirectUris: texts.optional(),
  ...grantChangesShape,
  scopes: texts.optional(),
  resources: texts.optional(),
  audiences: texts.optional(),
  pkce: z.enum(pkceRules).optional(),
  firstParty: z.boolean().optional(),
  ...requestChangesShape,
  ...aboutChangesShape,
  dpopBoundAccessTokens: z.boolean().optional(),
  tlsClientCertificateBoundAccessTokens: z.boolean().optional(),
  idTokenAlgorithm: z.enum(signingAlgorithms).optional(),
  ...tokenChangesShape,
  ...logoutChangesShape,
  accessSeconds: seconds.optional(),
  idleSeconds: seconds.optional(),
  absoluteSeconds: seconds.optional(),
  repeatSeconds: seconds.optional(),
  reuseEnds: z.enum(['family', 'grant', 'session', 'consent']).optional(),
  minimumAcr: z.enum(acrs).nullable().optional(),
  maxAuthAgeSeconds: seconds.nullable().optional(),
  partner: z.string().nullable().optional(),
  disabled: z.boolean().optional(),
})
export type ClientChanges = z.infer<typeof clientChangesSchema>

export const clientRegistrationSchema = clientChangesSchema.extend({ id: z.string(), kind: z.enum(clientKinds) })
export type ClientRegistration = z.infer<typeof clientRegistrationSchema>

/** Parses at the edge; throws `InputRefused` with one sentence for each wrong value. */
export function parseInput<T extends z.ZodType>(schema: T, input: unknown): z.infer<T> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  throw new InputRefused(parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}.`))
}

/** A client with everything its kind settles and nothing anybody chose. */
export function clientOfKind(id: ClientId, registration: ClientRegistration, createdAtMs: number): Client {
  const defaults = defaultsOf(registration.kind)
  return applyChanges(
    { ...blankClient(defaults), id, kind: registration.kind, name: id, createdAtMs },
    withLifetimes(registration, defaults),
  )
}

/** The client with the changes in it. Not judged yet. */
export function applyChanges(client: Client, said: ClientChanges): Client {
  const changes = withProfile(client, said)
  return {
    ...client,
    name: changes.name ?? client.name,
    profile: changes.profile === undefined ? client.profile : changes.profile,
    ...authentication(client, changes),
    redirectUris: distinct(changes.redirectUris) ?? client.redirectUris,
    postLogoutRedirectUris: distinct(changes.postLogoutRedirectUris) ?? client.postLogoutRedirectUris,
    ...grantsOf(client, changes),
    scopes: distinct(changes.scopes) ?? client.scopes,
    resources: distinct(changes.resources) ?? client.resources,
    audiences: distinct(changes.audiences) ?? client.audiences,
    pkce: changes.pkce ?? client.pkce,
    firstParty: changes.firstParty ?? client.firstParty,
    requests: requestRulesOf(client.requests, changes),
    dpopBoundAccessTokens: changes.dpopBoundAccessTokens ?? (client.dpopBoundAccessTokens || needsKey(client, changes)),
    tlsClientCertificateBoundAccessTokens:
      changes.tlsClientCertificateBoundAccessTokens ?? client.tlsClientCertificateBoundAccessTokens,
    about: aboutOf(client.about, changes),
    idTokenAlgorithm: changes.idTokenAlgorithm ?? client.idTokenAlgorithm,
    tokens: tokenRulesOf(client.tokens, changes),
    logout: logoutChannelsOf(client.logout, changes),
    accessTokenSeconds: changes.accessSeconds ?? client.accessTokenSeconds,
    idleSeconds: changes.idleSeconds ?? client.idleSeconds,
    absoluteSeconds: changes.absoluteSeconds ?? client.absoluteSeconds,
    repeatWindowSeconds: changes.repeatSeconds ?? client.repeatWindowSeconds,
    reuseEnds: changes.reuseEnds ?? client.reuseEnds,
    minimumAcr: changes.minimumAcr === undefined ? client.minimumAcr : changes.minimumAcr,
    maxAuthAgeSeconds: changes.maxAuthAgeSeconds === undefined ? client.maxAuthAgeSeconds : changes.maxAuthAgeSeconds,
    partner: changes.partner === undefined ? client.partner : changes.partner,
    disabled: changes.disabled ?? client.disabled,
  }
}

/** Keys stand here or there, never in both places: naming one place empties the other. */
function authentication(client: Client, changes: ClientChanges) {
  const authMethod = changes.auth ?? client.authMethod
  return {
    authMethod,
    secretHashes: secretsFor(authMethod, client.secretHashes),
    authAlgorithm: changes.authAlgorithm === undefined ? client.authAlgorithm : changes.authAlgorithm,
    jwks: changes.jwks ?? (typeof changes.jwksUri === 'string' ? [] : client.jwks),
    jwksUri: changes.jwksUri === undefined && changes.jwks === undefined ? client.jwksUri : (changes.jwksUri ?? null),
    certificateName: changes.certificateName === undefined ? client.certificateName : changes.certificateName,
    attesterJwks: changes.attesterJwks ?? client.attesterJwks,
  }
}

/** A page in a browser gets refresh tokens bound to a key, or none. */
function needsKey(client: Client, changes: ClientChanges): boolean {
  return client.kind === 'spa' && changes.refresh === true
}

/** A default gives way to what was said: a shorter absolute life takes the idle time along, a service lives as its token does. */
function withLifetimes(registration: ClientRegistration, defaults: KindDefaults): ClientRegistration {
  const accessSeconds = registration.accessSeconds ?? defaults.accessSeconds
  const lifeSeconds = registration.kind === 'service' ? accessSeconds : defaults.absoluteSeconds
  const absoluteSeconds = registration.absoluteSeconds ?? Math.max(lifeSeconds, registration.idleSeconds ?? 0)
  const idleSeconds = registration.idleSeconds ?? Math.min(defaults.idleSeconds, absoluteSeconds)
  return { ...registration, accessSeconds, absoluteSeconds, idleSeconds }
}

function blankClient(defaults: KindDefaults): Omit<Client, 'id' | 'kind' | 'name' | 'createdAtMs'> {
  return {
    profile: null,
    authMethod: defaults.authMethod,
    secretHashes: [],
    authAlgorithm: null,
    jwks: [],
    jwksUri: null,
    certificateName: null,
    attesterJwks: [],
    redirectUris: [],
    postLogoutRedirectUris: [],
    grantTypes: defaults.grantTypes,
    exchange: 'none',
    scopes: defaults.scopes,
    resources: [],
    audiences: [],
    pkce: 'always',
    requests: ordinaryRequests,
    firstParty: false,
    dpopBoundAccessTokens: false,
    tlsClientCertificateBoundAccessTokens: false,
    about: noClientAbout,
    source: null,
    idTokenAlgorithm: 'ES256',
    tokens: ordinaryTokens,
    logout: noLogoutChannels,
    accessTokenSeconds: defaults.accessSeconds,
    idleSeconds: defaults.idleSeconds,
    absoluteSeconds: defaults.absoluteSeconds,
    repeatWindowSeconds: repeatSecondsDefault,
    reuseEnds: 'grant',
    minimumAcr: null,
    maxAuthAgeSeconds: null,
    partner: null,
    disabled: false,
  }
}

function distinct(list: readonly string[] | undefined): readonly string[] | undefined {
  return list === undefined ? undefined : [...new Set(list)]
}
