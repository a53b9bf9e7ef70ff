"""The browser app: pages made from the parameters of the pipelines, and the front door that holds them."""
