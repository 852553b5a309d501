/** An option that cannot be used, in words for people. */
export class OptionError extends Error {
  readonly option: string
  constructor(option: string, message: string) {
    super(message)
    this.name = 'OptionError'
    this.option = option
  }
}

/** A value that is none for this option: names the option, the value, and what would be accepted. */
export const wrongValue = (option: string, value: unknown, accepted: string): OptionError =>
  new OptionError(option, `${option}: "${value}" cannot be used; ${accepted}`)
