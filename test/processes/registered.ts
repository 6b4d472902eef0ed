/** What operators do, done from this process on the same database: quick to call, and one more process on the file. */

import { type ClientWithSecret, registerClient } from '../../packages/server/src/admin/clients.ts'
import { addUser } from '../../packages/server/src/admin/users.ts'
import type { Workbench } from '../../packages/server/src/admin/workbench.ts'
import { completeConfig } from '../../packages/server/src/config/config.ts'
import { obtainMasterKeys } from '../../packages/server/src/config/master-key.ts'
import { readSettings } from '../../packages/server/src/config/read-config.ts'
import { systemEntropy } from '../../packages/server/src/domain/entropy.ts'
import { systemClock } from '../../packages/server/src/domain/time.ts'
import { stderrLogger } from '../../packages/server/src/http/access-log.ts'
import { openWorkbench } from '../../packages/server/src/pawl.ts'
import { type App, app } from '../stage/app.ts'
import { type Browser, browser, type Ground, stagePassword } from '../stage/browser.ts'
import type { Lifetime } from '../stage/lifetime.ts'

export interface Office {
  readonly workbench: Workbench
  readonly addUser: (email?: string) => Promise<void>
  readonly addClient: (input: {
    readonly id: string
    readonly kind: string
    readonly [name: string]: unknown
  }) => Promise<ClientWithSecret>
}

/** Opens the database and the keys a server on `data` in this environment would have, until the test is over. */
export async function openOffice(
  lifetime: Lifetime,
  data: string,
  environment: { readonly [name: string]: string | undefined } = {},
): Promise<Office> {
  const { settings } = readSettings({ flags: { data }, environment })
  const entropy = systemEntropy()
  const config = completeConfig(settings, obtainMasterKeys(settings, environment, entropy), settings.port)
  const world = { clock: systemClock, entropy, logger: stderrLogger('warn') }
  const { workbench, close } = await openWorkbench(config, world, 'test')
  lifetime.after(close)
  return {
    workbench,
    addUser: async (email = 'ada@example.com') => {
      await addUser(workbench, { email, password: stagePassword })
    },
    addClient: input => registerClient(workbench, { redirectUris: [redirectOf(input.kind)], ...input }),
  }
}

function redirectOf(kind: string): string {
  return kind === 'native' ? 'http://127.0.0.1/cb' : 'https://app.example/cb'
}

/** A browser that uses the server over its sockets. */
export function browserOf(ground: Ground): Browser {
  return browser(ground, '127.0.0.1')
}

export function appOf(ground: Ground, registered: ClientWithSecret): App {
  return app(ground, registered)
}
