/** What an operator lets clients be that come by themselves. */

/** Who may register: nobody, whoever somebody vouches for, or everybody. */
export const registrationModes = ['off', 'token', 'open'] as const
export type RegistrationMode = (typeof registrationModes)[number]

export interface RegistrationRules {
  readonly registration: RegistrationMode
  readonly registrationScopes: readonly string[]
  readonly registeredClientsMax: number
  /** `*`: every host. */
  readonly clientDocumentHosts: readonly string[]
  /** The `iss` of a software statement, a space, and the address of its keys. */
  readonly softwareIssuers: readonly string[]
}
