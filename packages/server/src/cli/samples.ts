/**
 * What `pawl dev` puts into a fresh store so that there is something to sign in to. Development only. Secrets are made
 * anew at every start and printed; the store keeps their hashes alone.
 */

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { changeClient, registerClient, rotateSecret } from '../admin/clients.ts'
import { addUser, enableUser, resetPassword } from '../admin/users.ts'
import { AdminRefused, type Workbench } from '../admin/workbench.ts'
import { parseClientId } from '../domain/identifiers.ts'

const sampleEmail = 'demo@example.com'
const passwordBytes = 12
/** The API of the samples: `demo-service` answers for it, the others may ask for tokens to it. */
const sampleApi = 'https://api.example.com'

export interface SampleApplication {
  readonly client_id: string
  readonly redirect_uri: string
}

export interface SampleSecret {
  readonly client_id: string
  readonly client_secret: string
}

export interface Samples {
  readonly user: { readonly email: string; readonly password: string; readonly sub: string }
  readonly web: SampleApplication & SampleSecret
  readonly native: SampleApplication
  /** The API: it answers for `audience`, and may introspect its tokens. */
  readonly service: SampleSecret & { readonly audience: string }
}

/** The line `dev --json` prints, which is also what `try` reads. */
export interface DevReady {
  readonly event: 'ready'
  readonly issuer: string
  readonly admin: string
  readonly samples: Samples
}

const webRedirectUri = 'http://localhost:7296/callback'
/** Where the sample application takes people back after they signed out. */
const webReturnUri = 'http://localhost:7296/signed-out'
const nativeRedirectUri = 'http://127.0.0.1/callback'

/** Adds what is not there and gives every secret a new value. */
export async function ensureSamples(workbench: Workbench): Promise<Samples> {
  const resources = [sampleApi]
  const web = {
    id: 'demo-web',
    kind: 'web',
    name: 'Demo web application',
    redirectUris: [webRedirectUri],
    postLogoutRedirectUris: [webReturnUri],
    resources,
  }
  const native = { id: 'demo-native', kind: 'native', name: 'Demo native application', resources, deviceGrant: true }
  const service = { id: 'demo-service', kind: 'service', name: 'Demo API', audiences: resources }
  await ensureClient(workbench, { ...native, redirectUris: [nativeRedirectUri] })
  return {
    user: await ensureUser(workbench),
    web: { client_id: web.id, client_secret: await secretOf(workbench, web), redirect_uri: webRedirectUri },
    native: { client_id: native.id, redirect_uri: nativeRedirectUri },
    service: { client_id: service.id, client_secret: await secretOf(workbench, service), audience: sampleApi },
  }
}

/** Kept beside the development key, readable by its owner alone, so that `pawl try` needs no arguments. */
export function writeReadyFile(dataDirectory: string, ready: DevReady): void {
  const path = readyFileOf(dataDirectory)
  const draft = `${path}.new`
  writeFileSync(draft, `${JSON.stringify(ready)}\n`, { mode: 0o600 })
  renameSync(draft, path)
}

/** The last `pawl dev` of this directory, or null when there was none. */
export function readReadyFile(dataDirectory: string): DevReady | null {
  try {
    return JSON.parse(readFileSync(readyFileOf(dataDirectory), 'utf8')) as DevReady
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
    throw cause
  }
}

function readyFileOf(dataDirectory: string): string {
  return join(dataDirectory, 'dev.json')
}

interface WantedClient {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly redirectUris?: readonly string[]
  readonly postLogoutRedirectUris?: readonly string[]
  readonly resources?: readonly string[]
  readonly audiences?: readonly string[]
}

/** A sample that somebody changed is set right again; one that is missing is added. */
async function ensureClient(workbench: Workbench, wanted: WantedClient): Promise<void> {
  const { id, kind, ...changes } = wanted
  const clientId = parseClientId(id)
  const known = clientId === null ? null : await workbench.store.clients.read(clientId)
  if (known === null) await registerClient(workbench, { id, kind, ...changes })
  else await changeClient(workbench, id, { ...changes, disabled: false })
}

async function secretOf(workbench: Workbench, wanted: WantedClient): Promise<string> {
  await ensureClient(workbench, wanted)
  const { secret } = await rotateSecret(workbench, wanted.id, 0)
  if (secret === null) throw new AdminRefused(`The sample client ${wanted.id} is public: remove it and start again.`)
  return secret
}

async function ensureUser(workbench: Workbench): Promise<Samples['user']> {
  const password = Buffer.from(workbench.entropy.bytes(passwordBytes)).toString('base64url')
  const wanted = { email: sampleEmail, emailVerified: true, password, claims: { name: 'Demo Person', locale: 'en' } }
  try {
    const user = await addUser(workbench, wanted)
    return { email: sampleEmail, password, sub: user.subject }
  } catch (cause) {
    if (!(cause instanceof AdminRefused)) throw cause
    // The person is there from an earlier start, and only the password is made anew.
    const user = await resetPassword(workbench, sampleEmail, password)
    if (user.disabled) await enableUser(workbench, sampleEmail)
    return { email: sampleEmail, password, sub: user.subject }
  }
}
