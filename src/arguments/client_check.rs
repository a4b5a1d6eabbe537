//! What `client-check` takes on the command line.

use clap::Args;

/// What `client-check` takes.
#[derive(Args, Clone, Debug)]
pub struct ClientCheckArguments {
    /// What its calls are: register, set, list-append or rw-register.
    #[arg(long = "as", value_name = "VOCABULARY", default_value = "register")]
    pub vocabulary: String,
    /// The address that the program is told.
    #[arg(long, default_value = "127.0.0.1")]
    pub address: String,
    /// The name of the node that the program is told.
    #[arg(long, default_value = "n1")]
    pub node: String,
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub program: Vec<String>,
}
