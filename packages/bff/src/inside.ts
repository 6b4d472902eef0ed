/** The parts of one backend, built once by `bff.ts`. */

import type { Custody } from '@pawl/client'
import type { Settings } from './bff-options.ts'
import type { Holders } from './holders.ts'
import type { LogoutTokens } from './logout-token.ts'

export interface Inside {
  readonly settings: Settings
  /** Of the application: for sign-ins and lists. Sessions have keys of their own. */
  readonly custody: Custody
  readonly holders: Holders
  readonly logoutTokens: LogoutTokens
}
