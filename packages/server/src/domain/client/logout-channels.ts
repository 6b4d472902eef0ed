/** Where a client wants to hear that a session has ended (OIDC Back-Channel Logout 1.0 §2.2, Front-Channel Logout 1.0 §2). */

export interface LogoutChannels {
  /** Told by the server itself. */
  readonly backChannelUri: string | null
  /** It wants to hear of sessions alone, never of a user without one. */
  readonly backChannelSessionRequired: boolean
  /** Told by the browser, in a frame on the page that says that the person is signed out. */
  readonly frontChannelUri: string | null
  readonly frontChannelSessionRequired: boolean
}

export const noLogoutChannels: LogoutChannels = {
  backChannelUri: null,
  backChannelSessionRequired: false,
  frontChannelUri: null,
  frontChannelSessionRequired: false,
}

/** True of a client that must be found again when a session ends. */
export function hearsOfLogout({ backChannelUri, frontChannelUri }: LogoutChannels): boolean {
  return backChannelUri !== null || frontChannelUri !== null
}
