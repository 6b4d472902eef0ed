/** Reads the settings, finds the authorization server, listens, and stops cleanly. */

import { once } from 'node:events'
import { webApp } from './app.ts'
import { deriveKeys } from './seal.ts'
import { openSessionStore } from './session-store.ts'
import { readSettings, SettingsError } from './settings.ts'
import { discover } from './token-requests.ts'

process.exitCode = await main()

async function main(): Promise<number> {
  try {
    const settings = readSettings(process.env)
    const keys = deriveKeys(settings.sessionKey)
    const config = await discover(settings, keys)
    const store = openSessionStore(settings.sessionStore, keys)
    const app = webApp({ config, settings, keys, store, nowMs: () => Date.now() })
    const server = app.listen(settings.port, 'localhost')
    await once(server, 'listening')
    console.log(`The web example is ready at ${settings.appUrl.origin}`)
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
    server.closeIdleConnections()
    server.close()
    await once(server, 'close')
    store.close()
    return 0
  } catch (cause) {
    console.error(cause instanceof SettingsError ? cause.message : startFailure(cause))
    return 1
  }
}

function startFailure(cause: unknown): string {
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause)
  return `The web example could not start: ${reason}. Is the authorization server running?`
}
