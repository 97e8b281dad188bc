# One compiled product, and nothing to run it with: an entry of `products` in charts/floe-airflow.
#
#   floe compile path/to/product --on airflow --out build/products/NAME
#   docker build -f charts/images/airflow/product.Dockerfile --build-arg NAME=NAME -t NAME:1.0.0 build/products
#
# The chart starts it once in each pod, to copy the folder to where Airflow reads it.
FROM busybox:1.37.0-musl
ARG NAME
COPY ${NAME}/ /opt/floe/products/${NAME}/
USER 50000:50000
CMD ["ls", "/opt/floe/products"]
