/** What the threads of one server tell each other. Plain data: it is copied from thread to thread. */

import type { CarriedConfig } from '../../config/carried-config.ts'
import type { PasswordHashed, PasswordVerified } from '../../domain/user/password.ts'
import type { Common } from '../../pawl.ts'

/** What a worker is made of, besides the program. */
export interface Orders {
  readonly config: CarriedConfig
  readonly common: Common
  readonly thread: number
  readonly dummyPhc: string
  /** How much of its log is on its way. */
  readonly linesUnderWay: SharedArrayBuffer
}

export type Question =
  | { readonly kind: 'hash'; readonly password: string }
  | { readonly kind: 'verify'; readonly phc: string; readonly password: string }

export type Reply = PasswordHashed | PasswordVerified

export type FromWorker =
  /** It answers requests. */
  | { readonly kind: 'up' }
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'asked'; readonly id: number; readonly question: Question }
  | { readonly kind: 'checked'; readonly isWell: boolean }

export type ToWorker =
  /** Answer what is in flight and end. */
  | { readonly kind: 'stop' }
  /** Say whether your store answers. */
  | { readonly kind: 'check' }
  | { readonly kind: 'replied'; readonly id: number; readonly reply: Reply | null }
