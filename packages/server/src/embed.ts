/**
 * Pawl inside another program: a `fetch` function beside the program's own. The same refusals hold as for `pawl serve`;
 * nothing is read from the environment, from flags or from files but the database.
 */

import { z } from 'zod'
import { checkClock, completeConfig } from './config/config.ts'
import { ConfigRefused } from './config/config-refused.ts'
import { obtainMasterKeys } from './config/master-key.ts'
import { settingsSchema } from './config/settings.ts'
import { systemEntropy } from './domain/entropy.ts'
import { everySeconds, systemClock } from './domain/time.ts'
import { stderrLogger } from './http/access-log.ts'
import { openPawl, type Pawl, type World } from './pawl.ts'

export interface EmbedOptions extends z.input<typeof settingsSchema> {
  /** The name of the server, without a trailing slash: where the host program can be reached. */
  readonly issuer: string
  /** 32 random bytes in base64url; or several as `id:key`, comma-separated, the current one first. */
  readonly masterKey: string
}

/**
 * A server behind a `fetch` function. The host hands over requests for the issuer's origin and calls `close` before it
 * exits. Rejects with `ConfigRefused`, in sentences that say what to change, or with `StoreUnavailable`.
 */
export async function embedPawl(options: EmbedOptions, given: Partial<World> = {}): Promise<Pawl> {
  const { masterKey, ...chosen } = options
  const settings = settingsSchema.safeParse(chosen)
  if (!settings.success) throw new ConfigRefused(z.prettifyError(settings.error))
  if ((settings.data.workers ?? 1) > 1) {
    throw new ConfigRefused('An embedded Pawl runs in the thread of its host: leave workers out.')
  }
  const { tlsCert, mtlsPort, clientCertificateHeader } = settings.data
  if (tlsCert !== null || mtlsPort !== null || clientCertificateHeader !== null) {
    throw new ConfigRefused(
      'An embedded Pawl has no listener: TLS is for its host. Leave tlsCert, mtlsPort and clientCertificateHeader out.',
    )
  }
  const { clock = systemClock, entropy = systemEntropy(), every = everySeconds } = given
  const logger = given.logger ?? stderrLogger(settings.data.logLevel)
  checkClock(settings.data, clock.nowMs())
  const masterKeys = obtainMasterKeys(settings.data, { PAWL_MASTER_KEY: masterKey }, entropy)
  return openPawl(completeConfig(settings.data, masterKeys, settings.data.port), { clock, entropy, logger, every })
}
