/** Pawl does not start with this configuration. The message is a sentence that says what to change; it holds no secret. */
export class ConfigRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConfigRefused'
  }
}
