/**
 * Everything an operator may set, once: name, unit, range, default and meaning. Flags, environment, `pawl.yaml` and the
 * published JSON Schema are all read off this one schema, so that none of them can know a value the others do not.
 */

import { z } from 'zod'
import { registrationModes } from '../domain/registration/registration-rules.ts'
import { userScopes } from '../domain/user/user-scopes.ts'
import { refreshesPerSecondDefault } from '../domain/throttle/family-rate.ts'
import { changeEndings } from '../domain/user/ends.ts'
import { sessionSecondsDefault } from '../domain/session/sessions.ts'
import { grantSettings } from './grant-settings.ts'
import { judgeIssuer } from './issuer.ts'
import { described, nullableText, type SettingMeaning, whole } from './setting-kinds.ts'
import { judgeMail, judgeSender } from './mail-place.ts'
import { judgeStore } from './store-place.ts'
import { tlsSettings } from './tls-settings.ts'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** No read waits for a COMMIT, and while one batch is written another goes out: more only queue in the database. */
export const storeConnectionsMin = 2
export const storeConnectionsDefault = 4
export const storeConnectionsMax = 200
export const syncStandbysMax = 16
/** Each takes memory and connections; who has more cores than this runs several nodes. */
export const workersMax = 32

export const settingsSchema = z.strictObject({
  issuer: described(nullableText(judgeIssuer), {
    unit: 'URL',
    description:
      'The name of this server in every token and the base of every link, without a trailing slash. Unset: http://localhost and the port. On loopback Pawl is in development; anything else is production.',
  }),
  data: described(z.string().min(1).default('.pawl'), {
    unit: 'directory',
    description: 'Where the SQLite database, the development master key and pawl.yaml are.',
  }),
  store: described(nullableText(judgeStore), {
    unit: 'URL',
    description:
      'Another place for the database: sqlite:PATH, or postgres://USER@HOST/DATABASE (HOST,HOST where a failover changes it). Unset: pawl.db in the data directory. A password belongs into the environment, a file or pawl.yaml, never on the command line.',
  }),
  storeConnections: described(whole(storeConnectionsMin, storeConnectionsMax, storeConnectionsDefault), {
    unit: 'connections',
    description: 'Connections of each worker to PostgreSQL, half of them for reads.',
  }),
  syncStandbys: described(whole(0, syncStandbysMax, 0), {
    unit: 'standbys',
    description:
      'Synchronous standbys of PostgreSQL that must have a rotation before it is answered. With fewer of them there is no answer.',
  }),
  allowLosingRotations: described(z.boolean().default(false), {
    unit: 'true or false',
    description: 'Take a PostgreSQL that would lose acknowledged rotations in a crash. For development only.',
  }),
  workers: described(z.int().min(1).max(workersMax).nullable().default(null), {
    unit: 'workers',
    description:
      'Threads that answer requests, each with connections of its own to the store. Unset: one for each core where the system can share a port among them.',
  }),
  host: described(nullableText(), {
    unit: 'address',
    description: 'The address to listen on. Unset: 127.0.0.1 and ::1.',
  }),
  port: described(whole(0, 65_535, 7295), {
    unit: 'TCP port',
    description: 'The port to listen on; 0 takes a free one.',
  }),
  adminPort: described(z.int().min(0).max(65_535).nullable().default(null), {
    unit: 'TCP port',
    description:
      'The port of the management listener (health). Unset: 7294, or a free one where the port is set; 0 takes a free one.',
  }),
  trustedProxies: described(z.array(z.string().min(1)).max(64).default([]), {
    unit: 'address or CIDR range',
    description: 'Whose forwarded headers count. Everyone else is their own address.',
  }),
  privateHosts: described(
    z
      .array(z.string().regex(/^[a-z0-9.-]{1,253}$/))
      .max(64)
      .default([]),
    {
      unit: 'host name',
      description:
        'Hosts of your own networks that Pawl may send requests to (logout notices, key sets), although their addresses are private. Everything else must be on the public internet.',
    },
  ),
  registration: described(z.enum(registrationModes).nullable().default(null), {
    unit: 'off, token or open',
    description:
      'Who may register a client at /register (RFC 7591): nobody, whoever has a token of `pawl registration-token add` or a software statement, or everybody. Unset: off in production, open in development.',
  }),
  registrationScopes: described(
    z
      .array(z.string().regex(/^[!#-[\]-~]{1,256}$/))
      .max(100)
      .default([...userScopes]),
    {
      unit: 'scope',
      description: 'What clients that came by themselves may ask for; others are left out of their registration.',
    },
  ),
  registeredClientsMax: described(whole(0, 1_000_000, 10_000), {
    unit: 'clients',
    description: 'How many clients may have come by themselves; beyond, registration waits until some are forgotten.',
  }),
  clientDocumentHosts: described(
    z
      .array(z.string().regex(/^(?:\*|[a-z0-9.[\]:-]{1,259})$/))
      .max(256)
      .nullable()
      .default(null),
    {
      unit: 'host',
      description:
        'Hosts that may publish clients as Client ID Metadata Documents, as MCP clients do; * for every host. Unset: none in production, every host in development.',
    },
  ),
  softwareIssuers: described(
    z
      .array(z.string().regex(/^\S{1,1024} https?:\/\/\S{1,2048}$/))
      .max(16)
      .default([]),
    {
      unit: 'issuer and URL of its keys',
      description:
        'Whose software statements (RFC 7591) are believed: the iss, a space, and the address of the key set. A client that brings one needs no registration token.',
    },
  ),
  ...tlsSettings,
  logLevel: described(z.enum(logLevels).default('info'), { unit: 'level', description: 'What is written to stderr.' }),
  drainSeconds: described(whole(0, 300, 10), {
    unit: 'seconds',
    description: 'How long a stopping server waits for the answers in flight.',
  }),
  ...grantSettings,
  codeSeconds: described(whole(1, 600, 60), {
    unit: 'seconds',
    description: 'How long an authorization code waits to be redeemed.',
  }),
  dpopNonces: described(z.boolean().default(false), {
    unit: 'true or false',
    description:
      'Ask for a nonce of this server in every DPoP proof, so that none can be made ahead of time. Costs clients one more request now and then.',
  }),
  sessionSeconds: described(whole(60, 31_536_000, sessionSecondsDefault), {
    unit: 'seconds',
    description: 'How long a browser stays signed in after the user proved who they are.',
  }),
  repeatsMax: described(whole(1, 10_000, 100), {
    unit: 'repeats',
    description: 'How often a bare predecessor is answered again in one generation.',
  }),
  refreshesPerSecondMax: described(whole(1, 1_000_000, refreshesPerSecondDefault), {
    unit: 'refreshes per second',
    description:
      'How often one family may be refreshed in a second on each process; beyond, the client is told to wait.',
  }),
  mail: described(nullableText(judgeMail), {
    unit: 'URL',
    description:
      'The server that takes mail: smtps://USER:PASSWORD@HOST, or smtp:// for STARTTLS. Unset: in development mail is shown on the console and at /dev/mail, in production there is none. The password belongs into the environment, a file or pawl.yaml.',
  }),
  mailFrom: described(nullableText(judgeSender), {
    unit: 'e-mail address',
    description: 'Whom mail comes from. Needed with mail.',
  }),
  signUp: described(z.boolean().default(false), {
    unit: 'true or false',
    description: 'Give an account to whoever reads mail at an address, and take prompt=create. Needs mail.',
  }),
  passwordChangeEnds: described(z.enum(changeEndings).default('others'), {
    unit: 'rule',
    description:
      'What ends when people change how they sign in: others (every session but the one they do it in), none, or all. A reset always ends all.',
  }),
  grantsPerUserAndClientMax: described(whole(1, 10_000, 100), {
    unit: 'grants',
    description: 'Living grants of one user for one client; one more ends the oldest.',
  }),
  requirePushedRequests: described(z.boolean().default(false), {
    unit: 'true or false',
    description: 'Answer only authorization requests that were pushed (RFC 9126), whatever a client is registered for.',
  }),
  requireSignedRequests: described(z.boolean().default(false), {
    unit: 'true or false',
    description: 'Answer only authorization requests that are signed (RFC 9101), whatever a client is registered for.',
  }),
  resources: described(z.enum(['registered', 'any']).nullable().default(null), {
    unit: 'rule',
    description:
      'Which resources clients may name (RFC 8707): registered (pawl resource add) or any. Unset: registered in production, any in development.',
  }),
  statusLists: described(z.boolean().default(false), {
    unit: 'true or false',
    description:
      'Say in JWT access tokens where their status is, and publish lists of it (Token Status List), so that APIs learn within seconds what has ended without asking. Costs a small read for each refresh.',
  }),
  claimsHook: described(nullableText(), {
    unit: 'file',
    description:
      'A JavaScript module that exports claims(context) and adds claims to tokens or denies them. It runs inside the server and can do whatever the server can.',
  }),
  claimsHookMilliseconds: described(whole(1, 10_000, 1000), {
    unit: 'milliseconds',
    description: 'How long the claims hook may take; beyond, the request is answered 503 and may be sent again.',
  }),
})

/** What was set, checked and completed by defaults, before the port and with it the issuer are known. */
export type Settings = z.infer<typeof settingsSchema>
export type SettingName = keyof Settings

export const settingNames = Object.keys(settingsSchema.shape) as readonly SettingName[]

/** Lists: one value each time the flag is given. */
export const repeatedFlags: { readonly [name in SettingName]?: string } = {
  trustedProxies: 'trustedProxy',
  privateHosts: 'privateHost',
  registrationScopes: 'registrationScope',
  clientDocumentHosts: 'clientDocumentHost',
  softwareIssuers: 'softwareIssuer',
}

/** `adminPort` is `--admin-port` on the command line and `PAWL_ADMIN_PORT` in the environment. */
export function flagOf(name: SettingName): string {
  const flag = repeatedFlags[name] ?? name
  return `--${flag.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
}

export function environmentNameOf(name: SettingName): string {
  return `PAWL_${name.replaceAll(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`
}

/** The JSON Schema (2020-12) of `pawl.yaml`. */
export function settingsJsonSchema(): { readonly [name: string]: unknown } {
  return { title: 'pawl.yaml', ...z.toJSONSchema(settingsSchema, { io: 'input' }) }
}

export function settingMeaning(name: SettingName): SettingMeaning {
  const meta = settingsSchema.shape[name].meta()
  const unit = meta?.['unit']
  return { unit: typeof unit === 'string' ? unit : '', description: meta?.description ?? '' }
}
