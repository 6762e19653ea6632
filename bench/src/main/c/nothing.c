/* The cheapest process there is: what `--version` of a runtime is compared with. */
int main(void) { return 0; }
