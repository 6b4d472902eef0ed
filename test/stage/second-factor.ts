/** A person of a stage with an authenticator application. */

import { TOTP, Secret } from 'otpauth'
import type { User } from '../../packages/server/src/domain/user/user.ts'
import { newRecoveryCodes } from '../../packages/server/src/domain/user/recovery-codes.ts'
import { newTotpKey, sealTotpKey } from '../../packages/server/src/domain/user/totp.ts'
import type { Stage } from './stage.ts'

/** The step before every one that a code could be of. */
const noStep = -1

export interface Authenticator {
  /** The code as the application shows it, so many seconds from the stage's now. */
  readonly code: (secondsFromNow?: number) => string
  readonly recoveryCodes: readonly string[]
}

/** Gives the user a key for one-time codes, as if they had set it up a while ago. */
export async function giveAuthenticator(stage: Stage, user: User): Promise<Authenticator> {
  const { hasher, sealer, entropy, store } = stage.workbench
  const key = newTotpKey(entropy)
  const { codes, hashes } = newRecoveryCodes({ hashes: hasher, entropy }, user.subject)
  const sealedKey = sealTotpKey(sealer, user.subject, key)
  const totp = { subject: user.subject, sealedKey, lastStep: noStep, createdAtMs: stage.clock.nowMs() }
  await store.credentials.setTotp(totp, hashes, 'nothing', [])
  const secret = new Secret({ buffer: Uint8Array.from(key).buffer })
  const code = (secondsFromNow = 0): string =>
    TOTP.generate({ secret, timestamp: stage.clock.nowMs() + secondsFromNow * 1000 })
  return { code, recoveryCodes: codes }
}
