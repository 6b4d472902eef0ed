/** What the tool is told by its environment, checked once. What is wrong is said in a sentence. */

import { homedir } from 'node:os'
import { join } from 'node:path'

export interface Settings {
  readonly issuer: URL
  readonly clientId: string
  /** As registered, without a port. */
  readonly redirectUri: string
  /** The API that `call` and `whoami` ask, and nobody else gets a token. */
  readonly api: URL
  /** Where the sealed grants are. */
  readonly directory: string
  /** An operator set a key: then the keystore of the system is not asked. */
  readonly hasKeyInEnvironment: boolean
}

export class SettingsError extends Error {}

type Environment = { readonly [name: string]: string | undefined }

/** Throws `SettingsError` with the sentence to show. */
export function readSettings(environment: Environment): Settings {
  const issuer = readUrl(environment, 'ISSUER', 'http://localhost:7295')
  return {
    issuer,
    clientId: environment['CLIENT_ID'] ?? 'demo-native',
    redirectUri: environment['REDIRECT_URI'] ?? 'http://127.0.0.1/callback',
    api: readUrl(environment, 'API', issuer.href),
    directory: environment['GRANTS'] ?? join(stateHome(environment), 'pawl-example'),
    hasKeyInEnvironment: ['PAWL_CUSTODY_KEY', 'PAWL_CUSTODY_KEY_FILE'].some(name => environment[name] !== undefined),
  }
}

/** Where each system wants what a program keeps for its person. */
function stateHome(environment: Environment): string {
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support')
  if (process.platform === 'win32') return environment['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local')
  return environment['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state')
}

function readUrl(environment: Environment, name: string, standard: string): URL {
  const text = environment[name] ?? standard
  const url = URL.canParse(text) ? new URL(text) : null
  const isLoopback = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback)) return url
  throw new SettingsError(`${name} is an https URL, or an http one on this machine.`)
}
